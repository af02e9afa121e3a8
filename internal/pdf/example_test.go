// SPDX-License-Identifier: Apache-2.0

package pdf_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"

	"codeberg.org/go-pdf/fpdf"

	"rastau/internal/pdf"
)

// A signature is prepared, made over the bytes it covers, and embedded. What is embedded here is no real CMS.
func ExamplePrepare() {
	var file bytes.Buffer
	f := fpdf.New("P", "mm", "A4", "")
	f.AddPage()
	if err := f.Output(&file); err != nil {
		fmt.Println(err)
		return
	}
	p, err := pdf.Prepare(file.Bytes(), pdf.PrepareOptions{Field: "Licensor", Reason: "Licence ZZZ-1", Size: 1024})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := sha256.New()
	if _, err := io.Copy(h, p.Signed()); err != nil {
		fmt.Println(err)
		return
	}
	signed, err := p.Embed(append([]byte{0x04, 32}, h.Sum(nil)...))
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := pdf.Open(signed, pdf.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range d.Signatures() {
		fmt.Println(s.Field, s.SubFilter, s.Reason, s.Problem, s.CoversAll)
	}
	// Output: Licensor ETSI.CAdES.detached Licence ZZZ-1 <nil> true
}
