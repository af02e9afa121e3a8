// SPDX-License-Identifier: Apache-2.0

package page

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	"rsc.io/qr/coding"
)

// plans are the fixed patterns of QR codes by their version (ISO/IEC 18004 §7): the same for every address of about the same length.
var plans sync.Map

// encoded is the QR code of an address, at correction level M.
func encoded(url string) (*coding.Code, error) {
	text := coding.String(url)
	for v := coding.Version(coding.MinVersion); v <= coding.MaxVersion; v++ {
		if text.Bits(v) > v.DataBytes(coding.M)*8 {
			continue
		}
		plan, ok := plans.Load(v)
		if !ok {
			made, err := coding.NewPlan(v, coding.M, 0)
			if err != nil {
				return nil, err
			}
			plan, _ = plans.LoadOrStore(v, made)
		}
		return plan.(*coding.Plan).Encode(text)
	}
	return nil, errors.New("it is too long")
}

// code draws the QR code as one path, with the four modules of quiet zone that ISO/IEC 18004 §9.1 asks for.
func (d *drawer) code(url string) error {
	if url == "" {
		return errors.New("the licence has no address for its public check")
	}
	q, err := encoded(url)
	if err != nil {
		return fmt.Errorf("the address of the check does not fit into a QR code: %w", err)
	}
	const quiet = 4
	module := qrSize * points / float64(q.Size+2*quiet)
	leave := d.enter("Link", "")
	defer leave()
	d.elements[d.inside].link = true
	d.linked, d.address = len(d.sheets)-1, url
	d.canvas.link = [4]float64{margin * points, (pageHeight - footTop - qrSize) * points, (margin + qrSize) * points, (pageHeight - footTop) * points}
	d.canvas.begin("Figure", "", label("page.code").KK+" "+url)
	d.box(margin, footTop, qrSize, qrSize, colour{1, 1, 1})
	s := d.page()
	s.op("q").fill(black).number(module).number(0).number(0).number(-module)
	s.number(margin*points + quiet*module).number((pageHeight-footTop)*points - quiet*module).op("cm")
	for y := range q.Size {
		for x := 0; x < q.Size; x++ {
			run := 0
			for x+run < q.Size && q.Black(x+run, y) {
				run++
			}
			if run > 0 {
				s.ops = append(strconv.AppendInt(s.ops, int64(x), 10), ' ')
				s.ops = append(strconv.AppendInt(s.ops, int64(y), 10), ' ')
				s.ops = append(strconv.AppendInt(s.ops, int64(run), 10), " 1 re\n"...)
				x += run
			}
		}
	}
	s.op("f").op("Q")
	d.end()
	return nil
}
