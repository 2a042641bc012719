# SPDX-License-Identifier: MIT
"""Redirects as real servers send them: with a page. For servers of a directory:

    class Handler(Redirecting, http.server.SimpleHTTPRequestHandler): ...

/via/KIND/PATH leads to /PATH; KIND is one of PAGES.
"""

PAGES = {
    "none": (302, b""),
    "mirror": (302, b"<!DOCTYPE HTML>\n<html><body>Found</body></html>\n"),
    "github": (301, b'{"message":"Moved Permanently","url":"https://api.github.com/repositories/1"}'),
    "go": (307, b'<a href="/x">Temporary Redirect</a>.\n\n'),
    "long": (308, b"<p>" + b"moved " * 20000),
}


class Redirecting:
    def do_GET(self):
        if not self.path.startswith("/via/"):
            return super().do_GET()
        kind, _, rest = self.path[len("/via/"):].partition("/")
        status, page = PAGES[kind]
        self.send_response(status)
        self.send_header("Location", "/" + rest)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)
        return None
