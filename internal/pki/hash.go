// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	_ "crypto/md5"  // registers crypto.MD5, for old archives alone
	_ "crypto/sha1" // registers crypto.SHA1, for old archives alone
	"crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"hash"

	"rastau/internal/gost"
)

// digest is what is known of a hash algorithm. The standard library computes hash, and make what it does not know; without
// either it cannot be computed here.
type digest struct {
	name string
	hash crypto.Hash
	make func() hash.Hash
	size int // of make's output, in octets
}

var digests = map[OID]digest{
	OIDMD2:         {name: "MD2"},
	OIDMD4:         {name: "MD4"},
	OIDMD5:         {name: "MD5", hash: crypto.MD5},
	OIDSHA1:        {name: "SHA-1", hash: crypto.SHA1},
	OIDSHA224:      {name: "SHA-224", hash: crypto.SHA224},
	OIDSHA256:      {name: "SHA-256", hash: crypto.SHA256},
	OIDSHA384:      {name: "SHA-384", hash: crypto.SHA384},
	OIDSHA512:      {name: "SHA-512", hash: crypto.SHA512},
	OIDSHA512x224:  {name: "SHA-512/224", hash: crypto.SHA512_224},
	OIDSHA512x256:  {name: "SHA-512/256", hash: crypto.SHA512_256},
	OIDSHA3x224:    {name: "SHA3-224", hash: crypto.SHA3_224},
	OIDSHA3x256:    {name: "SHA3-256", hash: crypto.SHA3_256},
	OIDSHA3x384:    {name: "SHA3-384", hash: crypto.SHA3_384},
	OIDSHA3x512:    {name: "SHA3-512", hash: crypto.SHA3_512},
	OIDGOST95Hash:  {name: "GOST 34.311-95", make: gost.New34311, size: 32},
	OIDGammaSign:   {name: "GOST 34.311-95", make: gost.New34311, size: 32},
	OIDGOST256Hash: {name: "GOST 34.11-2015-256", make: gost.NewStreebog256, size: 32},
	OIDGOST512Hash: {name: "GOST 34.11-2015-512", make: gost.NewStreebog512, size: 64},
}

// computable says whether the digest can be made here.
func (d digest) computable() bool { return d.make != nil || d.hash != 0 && d.hash.Available() }

// NewHash returns the hash constructor of a digest OID; ErrUnsupported where not known.
func NewHash(o OID) (func() hash.Hash, error) {
	d := digests[o]
	switch {
	case !d.computable():
		return nil, ErrUnsupported
	case d.make != nil:
		return d.make, nil
	}
	return d.hash.New, nil
}

// Digest makes the digest of data; ErrUnsupported where o is not known.
func Digest(o OID, data []byte) ([]byte, error) {
	if o == OIDSHA256 { // nearly every signature's, without the detour by an interface
		sum := sha256.Sum256(data)
		return sum[:], nil
	}
	newHash, err := NewHash(o)
	if err != nil {
		return nil, err
	}
	w := newHash()
	w.Write(data)
	return w.Sum(nil), nil
}

// HashSize is the length in octets of the digests that NewHash(o) makes; ErrUnsupported where not known.
func HashSize(o OID) (int, error) {
	d := digests[o]
	switch {
	case !d.computable():
		return 0, ErrUnsupported
	case d.make != nil:
		return d.size, nil
	}
	return d.hash.Size(), nil
}

// cryptoHash is the standard library's name of a digest; ErrUnsupported where it has none.
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
