// SPDX-License-Identifier: Apache-2.0

// Package xmldsig answers what an XML signature says: which bytes were digested, whether they are the ones that were
// signed, and by which key. It reads XML Signature (XMLDSig 1.1), the XAdES properties of EN 319 132-1 and the security
// header of WS-Security (WSS 1.1), canonicalises by Canonical XML 1.0 and 1.1 and Exclusive XML Canonicalization 1.0, and
// writes XMLDSig, XAdES and WS-Security signatures, with RSA, ECDSA and Kazakhstan's own algorithms.
//
// It reads a safe part of XML 1.0: no document type declaration, no entities but the five that need no declaration, no
// reference to anything outside the document, no XSLT, and of XPath the one expression that takes all signatures out. Size,
// depth, attributes, signatures, references and transforms are bounded before they are used. The reader is its own because
// what is digested must be what is shown: the tokens stand for ranges of the source, canonical output is cut from these
// ranges, and no second parser ever sees the document.
//
// It judges neither trust nor time: package verifier does.
package xmldsig
