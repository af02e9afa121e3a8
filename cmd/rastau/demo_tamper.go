// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"rastau/internal/pki"
	"rastau/internal/testpki"
)

// The ways in which the story's people go wrong, and its forgers.

// alteredAfterSigning signs another package than the one handed in: what arrives no longer is what was signed.
func alteredAfterSigning(k *pki.Key) func([]byte) ([]byte, error) {
	return func(pkg []byte) ([]byte, error) {
		other := bytes.Replace(pkg, []byte("Мәңгілік Ел даңғылы, 8-үй"), []byte("Мәңгілік Ел даңғылы, 9-үй"), 1)
		if bytes.Equal(other, pkg) {
			return nil, errors.New("the demo's address does not stand in the package")
		}
		return signedBy(k)(other)
	}
}

// withoutSigners makes a SignedData with certificates and no signature at all.
func withoutSigners(k *pki.Key) func([]byte) ([]byte, error) {
	return signedAnd(k, testpki.WithoutSigners)
}

// withoutCertificates signs properly and leaves out every certificate.
func withoutCertificates(k *pki.Key) func([]byte) ([]byte, error) {
	return signedAnd(k, testpki.WithoutCertificates)
}

func signedAnd(k *pki.Key, spoil func([]byte) ([]byte, error)) func([]byte) ([]byte, error) {
	return func(pkg []byte) ([]byte, error) {
		signed, err := signedBy(k)(pkg)
		if err != nil {
			return nil, err
		}
		return spoil(signed)
	}
}

// changeOneByte changes one letter of the licence inside the signed bytes: a digit of the creation date in the file's information.
func changeOneByte(pdf []byte) ([]byte, error) {
	at := bytes.Index(pdf, []byte("/CreationDate(D:"))
	if at < 0 {
		return nil, errors.New("the licence has no creation date")
	}
	out := bytes.Clone(pdf)
	out[at+len("/CreationDate(D:")] ^= 1
	return out, nil
}

var (
	pagesObject = regexp.MustCompile(`(?s)(\d+) 0 obj\s*<<\s*/Type\s*/Pages\s.*?/Kids\s*\[([^\]]*)\].*?/Count\s+(\d+)`)
	sizeEntry   = regexp.MustCompile(`/Size\s+(\d+)`)
	rootEntry   = regexp.MustCompile(`/Root\s+(\d+ \d+ R)`)
	startXref   = regexp.MustCompile(`startxref\s+(\d+)\s+%%EOF`)
)

// appendPage adds a page in an incremental update behind the signature, as any PDF editor does.
func appendPage(pdf []byte) ([]byte, error) {
	pages := pagesObject.FindSubmatch(pdf)
	sizes := sizeEntry.FindAllSubmatch(pdf, -1)
	roots := rootEntry.FindAllSubmatch(pdf, -1)
	ends := startXref.FindAllSubmatch(pdf, -1)
	if pages == nil || sizes == nil || roots == nil || ends == nil {
		return nil, errors.New("the licence is not laid out as the demo's forger expects")
	}
	size, err := strconv.Atoi(string(sizes[len(sizes)-1][1]))
	if err != nil {
		return nil, err
	}
	count, err := strconv.Atoi(string(pages[3]))
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(string(pages[1]))
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(bytes.Clone(pdf))
	at := map[int]int{}
	object := func(n int, body string) {
		at[n] = out.Len()
		fmt.Fprintf(out, "%d 0 obj\n%s\nendobj\n", n, body)
	}
	content := "BT /F1 24 Tf 72 700 Td (a page that nobody signed) Tj ET"
	out.WriteString("\n")
	object(number, fmt.Sprintf("<</Type /Pages /Kids [%s %d 0 R] /Count %d /MediaBox [0 0 595.28 841.89]>>", pages[2], size, count+1))
	object(size, fmt.Sprintf("<</Type /Page /Parent %d 0 R /Contents %d 0 R /Resources <</Font <</F1 <</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>>>>>>>", number, size+1))
	object(size+1, fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(content), content))
	start := out.Len()
	fmt.Fprintf(out, "xref\n%d 1\n%010d 00000 n \n%d 2\n%010d 00000 n \n%010d 00000 n \n", number, at[number], size, at[size], at[size+1])
	fmt.Fprintf(out, "trailer\n<</Size %d /Root %s /Prev %s>>\nstartxref\n%d\n%%%%EOF\n", size+2, roots[len(roots)-1][1], ends[len(ends)-1][1], start)
	return out.Bytes(), nil
}
