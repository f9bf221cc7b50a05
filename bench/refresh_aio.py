#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The yardstick of bench/grpcd.py: what tpauth-grpcd does for RefreshToken, in Python's grpc.aio. One process, as the
daemon is. usage: refresh_aio.py PORT REDIS-SOCKET SECRET RESTRICT-SECONDS"""
import asyncio
import json
import os
import sys
import time

sys.path.insert(0, os.environ["STUBS"])
import grpc  # noqa: E402
import jwt  # noqa: E402
import redis.asyncio as redis  # noqa: E402
import refresh_pb2  # noqa: E402
import refresh_pb2_grpc  # noqa: E402

PORT, SOCK, SECRET, RESTRICT_S, EXPIRY_S = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), 3600


class Refresh(refresh_pb2_grpc.RefreshServiceServicer):
    def __init__(self):
        self.login = redis.Redis(unix_socket_path=SOCK, db=9)
        self.restrict = redis.Redis(unix_socket_path=SOCK, db=8)

    async def RefreshToken(self, request, context):
        stored = await self.login.hget(request.user_id, request.token)
        if stored is None:
            return refresh_pb2.RefreshResponse()
        claims = jwt.decode(json.loads(stored)["token"], SECRET, algorithms=["HS256"], options={"verify_aud": False})
        if RESTRICT_S and not await self.restrict.set(f"bench:{request.user_id}:{request.token}", "restricted",
                                                      nx=True, ex=RESTRICT_S):
            return refresh_pb2.RefreshResponse()
        now = int(time.time())
        claims.update(iat=now, exp=now + EXPIRY_S)
        token = jwt.encode(claims, SECRET, algorithm="HS256")
        await self.login.hset(request.user_id, request.token, json.dumps({"token": token, "expire": EXPIRY_S // 60}))
        return refresh_pb2.RefreshResponse()


async def main():
    server = grpc.aio.server()
    refresh_pb2_grpc.add_RefreshServiceServicer_to_server(Refresh(), server)
    server.add_insecure_port("127.0.0.1:" + PORT)
    await server.start()
    await server.wait_for_termination()


asyncio.run(main())
