// SPDX-License-Identifier: Apache-2.0

// Package pdf answers which bytes of a PDF a signature covers, what was changed behind them, which validation data the file
// carries, and how a further revision is appended, by ISO 32000-1 §7.5 (file structure), §12.8 (digital signatures) and
// EN 319 142-1. It judges no signature.
//
// What it refuses. A file whose cross-reference sections cannot be followed is an error, never rebuilt by scanning for
// objects: two readers that rebuild see two documents, and only one of them was signed. An encrypted file is read where it
// opens without a password (standard handler, revisions 2 to 6) and never written to; any other is [ErrEncrypted].
//
// Later revisions are compared with the signed one object by object, and every difference is refused unless a rule allows it:
//
//   - validation data grows, a document time-stamp is added; so much even where a certification allows nothing (P 1);
//   - a further signature with the field, widget, form entries and tags it needs; a mark of its own must stand where the page
//     and its annotations draw nothing, or in the field that was there for it;
//   - an empty form field is filled in, unless a signature locks it (FieldMDP, /Lock); a filled one is changed only where a
//     certification allows forms (P 2, P 3);
//   - a note is added where a certification allows notes (P 3) and covers nothing;
//   - dates and programs in the metadata.
//
// Where a page draws is read from its content streams as rectangles, without clipping, never too small as far as fonts have
// the widths that the file gives them; what cannot be followed draws everywhere. Pictures are not decoded, so nothing is
// ever beside the words of a scanned page.
//
// What it leaves out: drawing pages, filters other than FlateDecode, ASCII85Decode and ASCIIHexDecode, certificate handlers of encryption.
package pdf
