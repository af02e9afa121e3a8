// SPDX-License-Identifier: Apache-2.0

// Package cms answers: what does this signed message hold, and does the
// mathematics of each of its signatures hold?
//
// It reads and writes CMS SignedData (RFC 5652) with the CAdES attributes that
// bind a signature to a certificate (RFC 5035, EN 319 122-1): [Decode] brings a
// file to bytes, [Parse] reads them within bounds, [SignedData.Verify] checks one
// signer against one certificate and says in a [Check] which of the statements in
// the message hold, and [Sign] writes a message.
//
// It leaves out everything that is not mathematics: whether a certificate is
// trusted, whether it was valid or revoked, whether an algorithm is still strong
// enough, what a time-stamp token proves. The signing time is what the signer
// claims and decides nothing here. Encrypted CMS types are recognised and not read.
package cms
