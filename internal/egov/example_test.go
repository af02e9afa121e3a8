// SPDX-License-Identifier: Apache-2.0

package egov_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rastau/internal/egov"
	"rastau/licensing"
)

// plain is an envelope for the example alone: it proves nothing.
type plain struct{}

func (plain) Seal(_ context.Context, m []byte) ([]byte, string, error)   { return m, "text/plain", nil }
func (plain) Open(_ context.Context, m []byte, _ string) ([]byte, error) { return m, nil }

func ExampleGateway() {
	// Nothing listens there: what cannot be asked is told apart from what is not in the register.
	g, err := egov.New(egov.Options{
		URL: "http://127.0.0.1:1", Envelope: plain{}, Now: time.Now, Tries: 1,
		Keep: func(context.Context, egov.Exchange) error { return nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = g.Person(context.Background(), "000000000000")
	fmt.Println(errors.Is(err, egov.ErrUnavailable), errors.Is(err, licensing.ErrNoRecord))
	// Output: true false
}
