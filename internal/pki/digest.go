// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

var digestKinds = map[string]struct {
	oid  OID
	size int
}{
	"sha1": {OIDSHA1, 20}, "sha224": {OIDSHA224, 28}, "sha256": {OIDSHA256, 32},
	"sha384": {OIDSHA384, 48}, "sha512": {OIDSHA512, 64},
	"sha3-224": {OIDSHA3x224, 28}, "sha3-256": {OIDSHA3x256, 32}, "sha3-384": {OIDSHA3x384, 48}, "sha3-512": {OIDSHA3x512, 64},
	"streebog256": {OIDGOST256Hash, 32}, "streebog512": {OIDGOST512Hash, 64},
}

var errDigest = errors.New("must be the name of the hash (sha1, sha224, sha256, sha384, sha512, sha3-224, sha3-256, sha3-384, sha3-512, streebog256, streebog512) and its hexadecimal digits, for example sha256:9f86d081…")

// ParseDigest reads a digest as people write it, "sha256:HEX", by the OID of its hash.
func ParseDigest(text string) (map[OID][]byte, error) {
	name, digits, _ := strings.Cut(text, ":")
	kind, known := digestKinds[strings.ToLower(name)]
	if !known {
		return nil, errDigest
	}
	sum, err := hex.DecodeString(digits)
	if err != nil || len(sum) != kind.size {
		return nil, fmt.Errorf("a %s digest has %d hexadecimal digits", name, 2*kind.size)
	}
	return map[OID][]byte{kind.oid: sum}, nil
}
