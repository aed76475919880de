"""Pages in the admin, for the people who run the project: what agents do, and how to steer them."""
