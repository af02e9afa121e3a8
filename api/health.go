// SPDX-License-Identifier: Apache-2.0

package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// live says that the process answers, and nothing more: a dependency that is
// down is no reason to restart it.
func (s *server) live(c echo.Context) error {
	return ok(c, map[string]string{"status": "live"})
}

type readiness struct {
	Ready   bool        `json:"ready"`
	Reasons []string    `json:"reasons"` // why not
	Lists   []listState `json:"lists"`
	Version string      `json:"version,omitempty"`
}

type listState struct {
	URL        string     `json:"url"`
	Number     string     `json:"number,omitempty"`
	ThisUpdate *time.Time `json:"thisUpdate"`
	NextUpdate *time.Time `json:"nextUpdate"`
	Failing    bool       `json:"failing"` // the last attempt to fetch it

	Fresh       bool       `json:"fresh"` // current, and not yet due to be asked for again
	AgeSeconds  int64      `json:"ageSeconds"`
	NextRefresh *time.Time `json:"nextRefresh"`
	Origin      string     `json:"origin,omitempty"` // network, cache, folder or offline
	Entries     int        `json:"entries"`
}

func (s *server) ready(c echo.Context) error {
	r := readiness{Reasons: []string{}, Lists: []listState{}, Version: s.o.Version}
	if s.o.Ready != nil {
		r.Reasons = append(r.Reasons, s.o.Ready()...)
	}
	if s.o.Lists != nil {
		for _, st := range s.o.Lists.States() {
			r.Lists = append(r.Lists, listState{
				URL: st.URL, Number: st.Number, ThisUpdate: known(st.ThisUpdate), NextUpdate: known(st.NextUpdate), Failing: st.LastError != "",
				Fresh: st.Fresh, AgeSeconds: int64(st.Age.Seconds()), NextRefresh: known(st.NextRefresh), Origin: st.Origin, Entries: st.Entries,
			})
		}
	}
	r.Ready = len(r.Reasons) == 0
	if !r.Ready {
		return answer(c, http.StatusServiceUnavailable, r)
	}
	return ok(c, r)
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
