// SPDX-License-Identifier: Apache-2.0

package blob_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"testing"

	"rastau/internal/blob"
)

func pictures(t testing.TB) (asPNG, asJPEG []byte) {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 9, 7))
	var a, b bytes.Buffer
	must(t, png.Encode(&a, picture))
	must(t, jpeg.Encode(&b, picture, nil))
	return a.Bytes(), b.Bytes()
}

// huge is a PNG that says it has more points than anybody's memory holds.
func huge(small []byte) []byte {
	out := bytes.Clone(small)
	binary.BigEndian.PutUint32(out[16:], 60_000)
	binary.BigEndian.PutUint32(out[20:], 60_000)
	binary.BigEndian.PutUint32(out[29:], crc32.ChecksumIEEE(out[12:29]))
	return out
}

func TestScan(t *testing.T) {
	p, j := pictures(t)
	pdf := []byte("%PDF-1.7\n1 0 obj <</Type /Catalog /JSON 1>> endobj\n%%EOF\n")
	for name, c := range map[string]struct {
		kind    string
		content []byte
		fit     bool
	}{
		"png": {blob.TypePNG, p, true}, "jpeg": {blob.TypeJPEG, j, true}, "pdf": {blob.TypePDF, pdf, true},
		"padded jpeg":         {blob.TypeJPEG, append(bytes.Clone(j), 0, 0), true},
		"png as jpeg":         {blob.TypeJPEG, p, false},
		"jpeg as pdf":         {blob.TypePDF, j, false},
		"unknown type":        {"text/html", []byte("<script>"), false},
		"empty":               {blob.TypePNG, nil, false},
		"web page":            {blob.TypePDF, []byte("<html>%PDF-1.7"), false},
		"png with a tail":     {blob.TypePNG, append(bytes.Clone(p), "PK\x03\x04"...), false},
		"png cut off":         {blob.TypePNG, p[:len(p)-5], false},
		"png damaged":         {blob.TypePNG, bytes.Replace(p, []byte("IDAT"), []byte("IDAX"), 1), false},
		"huge png":            {blob.TypePNG, huge(p), false},
		"jpeg with a tail":    {blob.TypeJPEG, append(bytes.Clone(j), "<?php"...), false},
		"jpeg cut off":        {blob.TypeJPEG, j[:len(j)-9], false},
		"jpeg frame only":     {blob.TypeJPEG, []byte{0xff, 0xd8, 0xff, 0xd9}, false},
		"pdf with script":     {blob.TypePDF, append(bytes.Clone(pdf), "<</S /JavaScript /JS (app.alert())>>"...), false},
		"pdf with a launcher": {blob.TypePDF, append(bytes.Clone(pdf), "<</S/Launch/F(cmd.exe)>>"...), false},
		"pdf with disguise":   {blob.TypePDF, append(bytes.Clone(pdf), "<</S /J#61vaScript >>"...), false},
		"pdf with a file":     {blob.TypePDF, append(bytes.Clone(pdf), "<</Type /EmbeddedFile>>"...), false},
	} {
		if err := blob.Scan(c.kind, c.content); (err == nil) != c.fit || err != nil && !errors.Is(err, blob.ErrContent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzScan(f *testing.F) {
	p, j := pictures(f)
	f.Add(p)
	f.Add(j)
	f.Add([]byte("%PDF-1.7\n/J#61vaScript "))
	f.Fuzz(func(t *testing.T, content []byte) {
		taken := 0
		for _, kind := range []string{blob.TypePDF, blob.TypePNG, blob.TypeJPEG} {
			if blob.Scan(kind, content) == nil {
				taken++
			}
		}
		if taken > 1 {
			t.Error("the same bytes pass for two types")
		}
	})
}
