"""Custom Routes, block 15: Route Testing Utilities."""

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from mcp_django.auth import get_access_token

import pytest
from httpx2 import ASGITransport, AsyncClient  # Corrected: httpx2 is what SDK 2 brings
from mcp_django.fastmcp import FastMCP

@pytest.mark.anyio  # Corrected: pytest runs coroutines by a plugin, anyio's here
@pytest.mark.django_db(transaction=True)
class TestCustomRoutes:
    """Test utilities for custom routes."""

    @pytest.fixture
    async def test_client(self):
        """Create test client for FastMCP server."""
        mcp = FastMCP("test-server")

        @mcp.custom_route("/test", methods=["GET", "POST"])
        async def test_route(request):
            if request.method == "GET":
                return JSONResponse({"method": "GET"})
            else:
                body = await request.json()
                return JSONResponse({"method": "POST", "data": body})

        # Corrected: the tests below ask for it, and nothing served it.
        @mcp.custom_route("/protected", methods=["GET"])
        async def protected_route(request):
            if not get_access_token():
                raise HTTPException(status_code=401, detail="Authentication required")
            return JSONResponse({"message": "Access granted"})

        # Create test client
        app = mcp.streamable_http_app()
        async with AsyncClient(  # Corrected: it takes a transport
            transport=ASGITransport(app=app), base_url="http://testserver"  # which settings.ALLOWED_HOSTS knows
        ) as client:
            yield client

    async def test_get_endpoint(self, test_client):
        """Test GET endpoint."""
        response = await test_client.get("/test")
        assert response.status_code == 200
        assert response.json() == {"method": "GET"}

    async def test_post_endpoint(self, test_client):
        """Test POST endpoint."""
        data = {"name": "test", "value": 123}
        response = await test_client.post("/test", json=data)

        assert response.status_code == 200
        result = response.json()
        assert result["method"] == "POST"
        assert result["data"] == data

    async def test_authentication(self, test_client, api_key):  # Corrected: the token has to be one
        """Test authenticated endpoints."""
        # Test without auth
        response = await test_client.get("/protected")
        assert response.status_code == 401

        # Test with auth
        headers = {"Authorization": f"Bearer {api_key}"}
        response = await test_client.get("/protected", headers=headers)
        assert response.status_code == 200

# Run tests
if __name__ == "__main__":
    pytest.main([__file__])
