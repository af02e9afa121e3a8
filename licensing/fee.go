// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed mrp.yaml
var mrpFile []byte

// tiynPerTenge: the tenge has a hundred tiyn.
const tiynPerTenge = 100

// Rates is the dated table of the monthly calculation index (MRP). It does not change once loaded.
type Rates struct{ rows []rate }

type rate struct {
	From  Day   `yaml:"from"`
	Until Day   `yaml:"until"`
	Tenge int64 `yaml:"tenge"`
}

// EmbeddedRates is the table that the program carries.
func EmbeddedRates() (*Rates, error) { return LoadRates("mrp.yaml", mrpFile) }

// LoadRates reads a table: rows with from, until (the first day no longer) and
// tenge, in order and without overlap. Errors are *DataError, joined.
func LoadRates(name string, data []byte) (*Rates, error) {
	var file struct {
		Rates []rate `yaml:"rates"`
	}
	src, err := readSource(name, data, &file)
	if err != nil {
		return nil, err
	}
	for i, r := range file.Rates {
		line := src.line("rates", i)
		switch {
		case !r.From.Valid() || !r.Until.Valid() || r.Until <= r.From:
			src.problem(line, "from and until must be days, until later than from")
		case r.Tenge <= 0 || r.Tenge > 1_000_000:
			src.problem(line, "tenge must be a whole number above zero")
		case i > 0 && r.From < file.Rates[i-1].Until:
			src.problem(line, "the rows must stand in order and not overlap")
		}
	}
	if len(file.Rates) == 0 {
		src.problem(1, "the table has no rows")
	}
	if err := src.err(); err != nil {
		return nil, err
	}
	return &Rates{rows: file.Rates}, nil
}

// At is the rate in tenge on a day; ErrLater, which says so, where the table has none.
func (r *Rates) At(d Day) (int64, error) {
	i := slices.IndexFunc(r.rows, func(x rate) bool { return Period{x.From, x.Until}.Holds(d) })
	if i < 0 {
		// Whoever runs the service can mend it; who asks for the fee comes again.
		return 0, fmt.Errorf("%w: the table of MRP rates says nothing for %s: add the year's rate", ErrLater, d)
	}
	return r.rows[i].Tenge, nil
}

// fee of an operation in tiyn on a day: a number of MRP, or a percentage of
// another operation's fee but not more than its cap. Parts of a tiyn are dropped.
func (r *Regulation) fee(operation string, d Day, rates *Rates) (int64, error) {
	op, ok := r.Operation(operation)
	if !ok {
		return 0, badInput("operation", "must be one of %s", r.operationKeys())
	}
	mrp, err := rates.At(d)
	if err != nil {
		return 0, err
	}
	base := op.Fee.MRP * mrp * tiynPerTenge
	if op.Fee.Of != "" {
		// The loader allows one step only: the other fee is a number of MRP.
		other, _ := r.Operation(op.Fee.Of)
		base = other.Fee.MRP * mrp * tiynPerTenge * op.Fee.Percent / 100
	}
	if limit := op.Fee.CapMRP * mrp * tiynPerTenge; limit > 0 {
		base = min(base, limit)
	}
	return base, nil
}

func (r *Regulation) operationKeys() string {
	var keys []string
	for _, o := range r.Operations {
		keys = append(keys, o.Key)
	}
	return strings.Join(keys, ", ")
}

// Fee is what an operation of a service costs today, in tiyn.
func (s *Service) Fee(service, operation string) (tiyn int64, err error) {
	r, ok := s.regulations[service]
	if !ok {
		return 0, fmt.Errorf("service %q: %w", service, ErrNotFound)
	}
	return r.fee(operation, s.o.Calendar.Day(s.now()), s.o.Rates)
}
