"""AWS KMS for the tests: `server.py PORT FILE` answers on PORT and writes into FILE who may ask for what.

moto takes whatever it is sent until it is told to check. So first everything is made: two keys, and a user who may encrypt and
decrypt with them and nothing else. From then on a request without that user's signature is refused.
"""

import json
import os
import signal
import sys

import boto3
import requests
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*"}],
}

port, file = int(sys.argv[1]), sys.argv[2]
endpoint = f"http://127.0.0.1:{port}/"
ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False).start()


def client(service):
    return boto3.client(
        service, endpoint_url=endpoint, region_name=REGION, aws_access_key_id="any", aws_secret_access_key="any"
    )


iam, kms = client("iam"), client("kms")
iam.create_user(UserName="breakwater")
access = iam.create_access_key(UserName="breakwater")["AccessKey"]
iam.put_user_policy(UserName="breakwater", PolicyName="data-keys", PolicyDocument=json.dumps(POLICY))
keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
requests.post(endpoint + "moto-api/reset-auth", data="0", timeout=10).raise_for_status()

with open(file + ".new", "w") as out:
    json.dump(
        {
            "endpoint": endpoint,
            "region": REGION,
            "access_key_id": access["AccessKeyId"],
            "secret_access_key": access["SecretAccessKey"],
            "keys": keys,
        },
        out,
    )
os.rename(file + ".new", file)
signal.pause()
