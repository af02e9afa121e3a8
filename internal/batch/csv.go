// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

var csvHead = []string{"file", "indication", "subIndication", "intact", "level", "signatures", "signer", "iin", "bin", "signingTime", "retryAfter", "error"}

// CSV writes lines as a table (RFC 4180): of a file with several signatures the
// first one's signer. It belongs to one goroutine.
type CSV struct{ to *csv.Writer }

// NewCSV writes the first line.
func NewCSV(to io.Writer) (*CSV, error) {
	w := csv.NewWriter(to)
	w.UseCRLF = true
	return &CSV{w}, w.Write(csvHead)
}

// Write adds a line.
func (c *CSV) Write(l Line) error {
	var r struct {
		Indication, SubIndication, RetryAfter, Error string
		Intact                                       *bool
		Signatures                                   []struct {
			Level, SigningTime string
			Signer             *struct{ Subject, IIN, BIN string }
		}
	}
	if err := json.Unmarshal(l.JSON, &r); err != nil {
		return fmt.Errorf("a line that cannot be read: %w", err)
	}
	cells := []string{l.Name, r.Indication, r.SubIndication, "", "", "", "", "", "", "", r.RetryAfter, r.Error}
	if r.Intact != nil {
		cells[3] = fmt.Sprint(*r.Intact)
	}
	if r.Indication != "" {
		cells[5] = fmt.Sprint(len(r.Signatures))
	}
	if len(r.Signatures) > 0 {
		s := r.Signatures[0]
		cells[4], cells[9] = s.Level, s.SigningTime
		if s.Signer != nil {
			cells[6], cells[7], cells[8] = s.Signer.Subject, s.Signer.IIN, s.Signer.BIN
		}
	}
	for i := range cells {
		cells[i] = inert(cells[i])
	}
	return c.to.Write(cells)
}

// Flush writes what is left.
func (c *CSV) Flush() error {
	c.to.Flush()
	return c.to.Error()
}

// inert keeps a name from running in anybody's spreadsheet.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
