"""What a call costs: ours, the SDK's and the bare minimum, measured in one run and compared as ratios.

``python -m benchmarks --help``. README.md says how to read the figures and holds a full run.
"""
