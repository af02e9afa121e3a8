// SPDX-License-Identifier: Apache-2.0

// Package gost answers what Kazakhstan's own algorithms say of a message: its digest, and whether a signature over that digest
// holds. It is pure Go and needs no library of the State's.
//
// Hash functions: GOST R 34.11-2012 "Streebog" (СТ РК ГОСТ Р 34.11-2015, RFC 6986) and ГОСТ 34.311-95 (GOST R 34.11-94,
// RFC 5831) with the test substitution. Signatures: GOST R 34.10-2012 (СТ РК ГОСТ Р 34.10-2015, RFC 7091) and
// ГОСТ 34.310-2004, which is the same scheme, on three curves: tc26-512-A and CryptoPro-A, which the national CA and its
// forerunners use, and tc26-256-A, which has not been seen in a real certificate.
//
// # Forms
//
// Digests are read, and coordinates, private keys and the halves of a signature written, with the least significant octet first:
// a public key is x||y, a signature r||s. That is how Kazakhstan writes them in certificates, lists, CMS and XML. Russia's
// signatures (RFC 9215) are the same octets in reverse. For a GOST signature (r, s) neither (r, -s) nor (-r, -s) verifies, so
// that, unlike ECDSA's, it has no second form. Only the canonical one is accepted: r and s below the order. By the scheme itself a
// signature of a digest that stands for the number e holds for -e mod q too; no two messages with such digests can be found.
//
// # What is protected against timing, and what is not
//
// Making a key, deriving its public key and signing run the same instructions and read the same addresses whatever the secrets
// are. The scalar is cut into 128 (64) digits of four bits and each costs one addition by complete formulas, with no case for
// infinity, doubling or opposites; the multiple is picked by reading its whole row of the table under masks; the carry of signed
// digits and the choice of a digit of zero are masks too. The field and the order have fixed numbers of words, every reduction
// subtracts under a mask, and 1/z is a power with a public exponent. The arithmetic rests on math/bits' 64-bit multiplication,
// addition and subtraction, which the Go compiler turns into single instructions on amd64 and arm64. math/big is not used.
// Nonces come from HMAC-SHA-512 and not from Streebog, whose tables would be read at secret addresses. A nonce out of range is
// tried again, and that a trial was made is visible; it says nothing about the nonce that was kept.
//
// Not protected: verification, reading public keys and hashing take a time that depends on their input, which is public (a
// message hashed here must not be a secret whose value an observer of the cache may not learn). The Go compiler promises no
// constant time: these are statements about the source and about the code seen to come out of it, not a proof, and on machines
// where math/bits falls back to software or a multiplication's time depends on its operands they do not hold. Secrets are not
// erased from memory; the garbage collector may copy a stack that holds one. Nothing guards against power analysis or induced
// faults beyond the fresh randomness in every nonce.
//
// What is left out: other parameter sets, key agreement (VKO), the cipher itself, and identifiers and ASN.1, which belong to
// package pki.
package gost
