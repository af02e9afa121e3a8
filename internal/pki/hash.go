// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	_ "crypto/md5"  // registers crypto.MD5, for old archives alone
	_ "crypto/sha1" // registers crypto.SHA1, for old archives alone
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"hash"
)

// digest is what is known of a hash algorithm; hash is 0 where it cannot be computed here.
type digest struct {
	name string
	hash crypto.Hash
}

var digests = map[OID]digest{
	OIDMD2:         {"MD2", 0},
	OIDMD4:         {"MD4", 0},
	OIDMD5:         {"MD5", crypto.MD5},
	OIDSHA1:        {"SHA-1", crypto.SHA1},
	OIDSHA224:      {"SHA-224", crypto.SHA224},
	OIDSHA256:      {"SHA-256", crypto.SHA256},
	OIDSHA384:      {"SHA-384", crypto.SHA384},
	OIDSHA512:      {"SHA-512", crypto.SHA512},
	OIDSHA512x224:  {"SHA-512/224", crypto.SHA512_224},
	OIDSHA512x256:  {"SHA-512/256", crypto.SHA512_256},
	OIDSHA3x224:    {"SHA3-224", crypto.SHA3_224},
	OIDSHA3x256:    {"SHA3-256", crypto.SHA3_256},
	OIDSHA3x384:    {"SHA3-384", crypto.SHA3_384},
	OIDSHA3x512:    {"SHA3-512", crypto.SHA3_512},
	OIDGOST95Hash:  {"GOST 34.311-95", 0},
	OIDGOST256Hash: {"GOST 34.11-2015-256", 0},
	OIDGOST512Hash: {"GOST 34.11-2015-512", 0},
}

// NewHash returns the hash constructor of a digest OID; ErrUnsupported where not known.
func NewHash(o OID) (func() hash.Hash, error) {
	h, err := cryptoHash(o)
	if err != nil {
		return nil, err
	}
	return h.New, nil
}

func cryptoHash(o OID) (crypto.Hash, error) {
	d := digests[o]
	if d.hash == 0 || !d.hash.Available() {
		return 0, ErrUnsupported
	}
	return d.hash, nil
}

// HashName is the readable name of a digest ("SHA-256"); the dotted OID where unknown.
func HashName(o OID) string {
	if d, ok := digests[o]; ok {
		return d.name
	}
	return string(o)
}
