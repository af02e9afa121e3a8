// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"rastau/internal/identity"
	"rastau/internal/phrase"
)

// Authority is one line of the dated table of who may sign for which licensor.
type Authority struct {
	Officer     string      `yaml:"officer"` // actor ID
	Name        string      `yaml:"name"`
	Position    phrase.Text `yaml:"position"`
	Licensor    string      `yaml:"licensor"`    // licensor's BIN
	Certificate string      `yaml:"certificate"` // SHA-256 hex of the licensor key's certificate this person may use
	From        time.Time   `yaml:"from"`        // the first moment
	Until       time.Time   `yaml:"until"`       // the first moment no longer; zero: open
}

// holds reports whether the line counts at a time.
func (a Authority) holds(at time.Time) bool {
	return !at.Before(a.From) && (a.Until.IsZero() || at.Before(a.Until))
}

const maxAuthorities = 1 << 20 // bytes of the table

// LoadAuthorities reads the dated table from YAML: a list of lines.
func LoadAuthorities(data []byte) ([]Authority, error) {
	if len(data) > maxAuthorities {
		return nil, fmt.Errorf("the table of authorities has more than %d bytes", maxAuthorities)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var table []Authority
	if err := dec.Decode(&table); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("table of authorities: %w", err)
	}
	for i, a := range table {
		if err := a.check(); err != nil {
			return nil, fmt.Errorf("table of authorities, line %d of the list: %w", i+1, err)
		}
	}
	return table, nil
}

func (a Authority) check() error {
	switch {
	case a.Officer == "":
		return errors.New("officer is missing")
	case strings.TrimSpace(a.Name) == "":
		return errors.New("name is missing")
	case a.Position.KK == "" || a.Position.RU == "" || a.Position.EN == "":
		return errors.New("position must stand in kk, ru and en")
	case a.From.IsZero():
		return errors.New("from is missing: authority begins on a date")
	case !a.Until.IsZero() && !a.Until.After(a.From):
		return errors.New("until must be later than from")
	}
	if _, err := identity.Parse(a.Licensor); err != nil {
		return fmt.Errorf("licensor must be a BIN of twelve digits: %w", err)
	}
	if raw, err := hex.DecodeString(a.Certificate); err != nil || len(raw) != 32 {
		return errors.New("certificate must be the SHA-256 of the certificate in hexadecimal")
	}
	return nil
}

// authority finds the line under which an actor may sign for a licensor with
// the key in use. ErrNotAuthority where none holds at that time.
func (s *Service) authority(ctx context.Context, a Actor, licensorBIN string, at time.Time) (Authority, error) {
	if a.ID == System {
		return Authority{}, ErrNotAuthority // the seal is nobody's
	}
	return s.authorityOf(ctx, a.ID, s.signer.Certificate().SHA256Hex(), licensorBIN, at)
}

func (s *Service) authorityOf(ctx context.Context, officer, certificate, licensorBIN string, at time.Time) (Authority, error) {
	table, err := s.authorities(ctx)
	if err != nil {
		return Authority{}, err
	}
	for _, line := range table {
		if line.Officer == officer && line.Licensor == licensorBIN && strings.EqualFold(line.Certificate, certificate) && line.holds(at) {
			return line, nil
		}
	}
	return Authority{}, ErrNotAuthority
}
