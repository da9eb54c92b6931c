#!/bin/sh
# Makes in the folder: authority.pem, and signed by it good.pem (for localhost), expired.pem and
# misnamed.pem, all with key.pem.
set -eu
cd "${1:?a folder}"
exec 2>openssl.log

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=telerec test" \
	-keyout authority.key -out authority.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" \
	-keyout key.pem -out request.pem

mkdir -p ca
: >ca/index
echo 01 >ca/serial
cat >ca.conf <<-EOF
	[ca]
	default_ca = test
	[test]
	database = ca/index
	serial = ca/serial
	new_certs_dir = ca
	certificate = authority.pem
	private_key = authority.key
	default_md = sha256
	policy = any
	unique_subject = no
	[any]
	commonName = supplied
EOF
sign() # FILE NAME START END
{
	echo "subjectAltName = DNS:$2" >names
	openssl ca -batch -config ca.conf -notext -in request.pem -out "$1" -extfile names \
		-startdate "$3" -enddate "$4"
}
sign good.pem localhost 20200101000000Z 20491231000000Z
sign expired.pem localhost 20200101000000Z 20210101000000Z
sign misnamed.pem other.example 20200101000000Z 20491231000000Z
