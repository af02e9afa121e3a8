// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"rastau/internal/seal"
	"rastau/licensing"
)

// errNoKeyFile: what is sealed cannot be read without the master key.
var errNoKeyFile = errors.New("personal data in this database are sealed: the key file is needed (personalData.keyFile)")

// keys hold the open data keys; without masters nothing is sealed.
type keys struct {
	masters *seal.Masters
	box     atomic.Pointer[seal.Box]
}

// indexKey is the id of the key of the digests, which never changes; data keys count from 1.
const indexKey = 0

func keyLabel(id int64) string { return fmt.Sprintf("rastau data key %d", id) }

// openKeys unwraps the data keys, and makes them where there are none. Where
// another master key became the current one, it wraps all of them anew and
// what is written from now on is sealed with a new data key.
func (s *Store) openKeys(ctx context.Context) error {
	var open map[int64][]byte
	var newest int64
	err := s.update(ctx, func(x *tx) error {
		open = nil
		wrapped, err := x.dataKeys()
		if err != nil {
			return err
		}
		m := s.keys.masters
		if m == nil {
			if len(wrapped) > 0 {
				return errNoKeyFile
			}
			return nil
		}
		var stale bool
		if open, newest, stale, err = unwrap(m, wrapped); err != nil {
			return err
		}
		first := len(open) == 0
		if first {
			open[indexKey] = seal.NewKey()
			stale = true
		}
		if stale {
			newest++
			open[newest] = seal.NewKey()
			for id, key := range open {
				err := x.exec(`INSERT INTO data_keys (id, master, wrapped) VALUES ($1, $2, $3)
					ON CONFLICT (id) DO UPDATE SET master = excluded.master, wrapped = excluded.wrapped`, id, m.Current(), m.Wrap(key, keyLabel(id)))
				if err != nil {
					return err
				}
			}
		}
		if !first {
			return nil
		}
		sealing := *x
		sealing.keys = &keys{}
		if err := sealing.keys.use(open, newest); err != nil {
			return err
		}
		return sealing.hideNumbers()
	})
	if err != nil || open == nil {
		return err
	}
	return s.keys.use(open, newest)
}

// hideNumbers puts digests in the place of the numbers and names that were
// written before there was a key, so that they are still found. What was signed
// stays as it is: it cannot be written over.
func (x *tx) hideNumbers() error {
	people, err := x.people(`true`)
	if err != nil {
		return err
	}
	for i := range people {
		p := &people[i]
		err := x.exec(`UPDATE people SET login = $1, name = $2, iin = $3, bin = $4 WHERE id = $5`,
			x.digest("people.login", p.Login), x.hidePerson(p), x.digest("people.iin", p.IIN), x.digest("people.bin", p.BIN), p.ID)
		if err != nil {
			return err
		}
	}
	holders := map[string]any{}
	err = x.all(func(scan func(...any) error) error {
		var a licensing.Application
		var body []byte
		if err := scan(&a.ID, &body); err != nil {
			return err
		}
		var b applicationBody
		err := json.Unmarshal(body, &b)
		a.Applicant = b.Applicant
		holders[a.ID] = x.holder(&a)
		return err
	}, `SELECT id, body FROM applications`)
	if err != nil {
		return err
	}
	for id, holder := range holders {
		if err := x.exec(`UPDATE applications SET holder = $1 WHERE id = $2`, holder, id); err != nil {
			return err
		}
	}
	return nil
}

// reloadKeys takes over the data keys that another process has made.
func (s *Store) reloadKeys(ctx context.Context) error {
	if s.keys.masters == nil {
		return errNoKeyFile
	}
	return s.db.view(ctx, func(q statements) error {
		wrapped, err := s.tx(ctx, q).dataKeys()
		if err != nil {
			return err
		}
		open, newest, _, err := unwrap(s.keys.masters, wrapped)
		if err != nil {
			return err
		}
		return s.keys.use(open, newest)
	})
}

type dataKey struct {
	id      int64
	master  string
	wrapped []byte
}

func (x *tx) dataKeys() (list []dataKey, err error) {
	err = x.all(func(scan func(...any) error) error {
		var k dataKey
		err := scan(&k.id, &k.master, &k.wrapped)
		list = append(list, k)
		return err
	}, `SELECT id, master, wrapped FROM data_keys ORDER BY id`)
	return list, err
}

// unwrap opens all keys; stale says that one is wrapped by a master key that is no longer the current one.
func unwrap(m *seal.Masters, list []dataKey) (open map[int64][]byte, newest int64, stale bool, err error) {
	open = make(map[int64][]byte, len(list)+2)
	for _, k := range list {
		if open[k.id], err = m.Unwrap(k.master, k.wrapped, keyLabel(k.id)); err != nil {
			return nil, 0, false, fmt.Errorf("data key %d: %w", k.id, err)
		}
		newest = max(newest, k.id)
		stale = stale || k.master != m.Current()
	}
	return open, newest, stale, nil
}

func (k *keys) use(open map[int64][]byte, newest int64) error {
	data := make(map[uint32][]byte, len(open))
	for id, key := range open {
		if id != indexKey {
			data[uint32(id)] = key
		}
	}
	box, err := seal.NewBox(data, uint32(newest), open[indexKey])
	if err != nil {
		return err
	}
	k.box.Store(box)
	return nil
}

// hide seals what is written into a column of one row; nothing stays nothing.
func (x *tx) hide(column, row string, content []byte) []byte {
	box := x.keys.box.Load()
	if box == nil || len(content) == 0 {
		return content
	}
	return box.Seal(content, column+"/"+row)
}

// textMark begins a sealed text in a column of texts; what people write has no control characters.
const textMark = "\x01"

func (x *tx) hideText(column, row, text string) string {
	if x.keys.box.Load() == nil || text == "" {
		return text
	}
	return textMark + base64.StdEncoding.EncodeToString(x.hide(column, row, []byte(text)))
}

func (x *tx) showText(column, row, text string) (string, error) {
	rest, sealed := strings.CutPrefix(text, textMark)
	if !sealed {
		return text, nil
	}
	raw, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return "", fmt.Errorf("%s of %s: %w", column, row, seal.ErrBroken)
	}
	shown, err := x.show(column, row, raw)
	return string(shown), err
}

// show opens what hide sealed. What was written before there was a key is as it is.
func (x *tx) show(column, row string, content []byte) ([]byte, error) {
	if !seal.Sealed(content) {
		return content, nil
	}
	box := x.keys.box.Load()
	if box == nil {
		return nil, errNoKeyFile
	}
	shown, err := box.Open(content, column+"/"+row)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", column, row, err)
	}
	return shown, nil
}

// shown is where a sealed column is scanned to. row is read before it in the same row.
type shown struct {
	x      *tx
	column string
	row    *string
	into   *[]byte
}

func (x *tx) shown(into *[]byte, column string, row *string) *shown {
	return &shown{x, column, row, into}
}

// Scan implements sql.Scanner for both drivers.
func (s *shown) Scan(value any) error {
	if value == nil {
		*s.into = nil
		return nil
	}
	raw, ok := value.([]byte)
	if !ok {
		return fmt.Errorf("%s of %s is a %T", s.column, *s.row, value)
	}
	content, err := s.x.show(s.column, *s.row, append([]byte{}, raw...))
	*s.into = content
	return err
}

// digest is how an applicant's number is looked for: keyed, so that nobody can try all numbers.
func (x *tx) digest(label, value string) string {
	if box := x.keys.box.Load(); box != nil {
		return box.Index(label, value)
	}
	return value
}
