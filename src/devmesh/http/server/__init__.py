"""The HTTP/1.1 server: connections in the event loop, read by llhttp, each request an exchange of ASGI."""
