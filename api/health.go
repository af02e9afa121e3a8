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
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"` // why not

	Degraded []string `json:"degraded"` // what is missed and changes no verdict

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
	r := readiness{Reasons: []string{}, Degraded: []string{}, Lists: []listState{}, Version: s.o.Version}
	if s.o.Ready != nil {
		why, degraded := s.o.Ready(c.Request().Context())
		r.Reasons, r.Degraded = append(r.Reasons, why...), append(r.Degraded, degraded...)
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

// reload reads the configuration again. What is wrong with it is told to the administrator who asked.
func (s *server) reload(c echo.Context) (*reply, error) {
	if s.o.Reload == nil {
		return nil, errNoSuch
	}
	waiting, err := s.o.Reload(c.Request().Context(), caller(c).ID)
	if err != nil {
		return nil, &configurationError{err.Error()}
	}
	if waiting == nil {
		waiting = []string{}
	}
	return &reply{status: http.StatusOK, body: map[string]any{"reloaded": true, "waitingForRestart": waiting}}, nil
}

type configurationError struct{ problem string }

func (e *configurationError) Error() string { return e.problem }

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
