import sys

from sign import sign_cookie, sign_url

for line in sys.stdin.buffer.read().decode().rstrip("\n").split("\n"):
    kind, *values = line.split("\t")
    print(sign_url(*values) if kind == "url" else sign_cookie(*values))
