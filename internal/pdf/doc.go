// SPDX-License-Identifier: Apache-2.0

// Package pdf answers which bytes of a PDF a signature covers, what was changed behind them, and how a further signed
// revision is appended, by ISO 32000-1 §7.5 (file structure), §12.8 (digital signatures) and EN 319 142-1. It knows
// bytes, not cryptography.
//
// What it refuses. A file whose cross-reference sections cannot be followed is an error, never rebuilt by scanning for
// objects: two readers that rebuild see two documents, and only one of them was signed. Encrypted files are an error
// ([ErrEncrypted]). What it leaves out: drawing pages, fonts, filters other than FlateDecode.
//
// Later revisions are compared with the signed one object by object and every difference is refused unless a rule allows it:
// validation data grows (DSS), a document time-stamp, a further signature with the field, widget and form entries it needs.
package pdf
