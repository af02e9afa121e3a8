// SPDX-License-Identifier: Apache-2.0

package ncalayer_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"rastau/internal/ncalayer"
	"rastau/internal/testpki"
)

// A page connects, hears which version answers, and asks.
func Example() {
	authority, err := testpki.New(testpki.Options{Now: time.Now, EC: true})
	if err != nil {
		panic(err)
	}
	ca, err := authority.NewCA("")
	if err != nil {
		panic(err)
	}
	key, err := ca.Issue(testpki.Leaf{CommonName: "ҮЛГІБАЕВА ҚҰНДЫЗ"})
	if err != nil {
		panic(err)
	}
	double, err := ncalayer.New(ncalayer.Options{Keys: []ncalayer.Key{{Alias: "sample", Key: key}}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(double)
	defer server.Close()
	c, _, err := websocket.Dial(context.Background(), server.URL, nil)
	if err != nil {
		panic(err)
	}
	defer c.CloseNow()
	var greeting struct{ Result struct{ Version string } }
	if err := wsjson.Read(context.Background(), c, &greeting); err != nil {
		panic(err)
	}
	fmt.Println("NCALayer's protocol", greeting.Result.Version)
	// Output: NCALayer's protocol 1.4
}
