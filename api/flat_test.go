// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"testing"

	"rastau/api"
)

// The quick reader takes the usual question, leaves everything unusual to the strict
// one, and never reads anything otherwise.
var flatBodies = []struct {
	body string
	took bool
}{
	{`{"document":"MIIB"}`, true},
	{" {\n\t\"document\" : \"MIIB\" ,\r\n\"lang\":\"kk\" } \n", true},
	{`{"document":"","content":"YQ==","iin":"123456789012","bin":"","at":"2026-04-15T00:00:00Z","applicant":"legal-entity","purpose":"sign"}`, true},
	{`{"revocation":"none","maxAge":"1h","algorithms":"legacy","contentDigest":"sha256:00"}`, true},
	{``, false}, {`{}`, false}, {`{`, false}, {`{"document"`, false}, {`{"document":"MIIB"`, false}, {`{"document":"MIIB",}`, false},
	{`{"document":"MIIB"}x`, false}, {`{"document":"MIIB"}{}`, false}, {`{"document":null}`, false}, {`{"document":1}`, false}, {`[]`, false},
	{`{"document":"M","document":"M"}`, false}, {`{"document":"MIIB","document":"MIIB"}`, false}, {`{"Document":"MIIB"}`, false},
	{`{"document":"MIIB","DOCUMENT":"MIIB"}`, false}, {`{"document":"MIIB\n"}`, false}, {"{\"document\":\"MIIB\n\"}", false},
	{`{"documen\u0074":"MIIB"}`, false}, {`{"other":"a"}`, false}, {`{"lang":"қ"}`, false}, {"\xef\xbb\xbf{\"lang\":\"kk\"}", false},
	{"{\v\"lang\":\"kk\"}", false}, {"{\"lang\":\"\x7f\"}", false},
}

func TestFlatQuestion(t *testing.T) {
	for _, tt := range flatBodies {
		took, same := api.ReadFlat([]byte(tt.body))
		if took != tt.took || !same {
			t.Errorf("%q: taken %v, want %v; read alike %v", tt.body, took, tt.took, same)
		}
	}
}

func FuzzFlatQuestion(f *testing.F) {
	for _, tt := range flatBodies {
		f.Add([]byte(tt.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, same := api.ReadFlat(body); !same {
			t.Errorf("%q is read in two ways", body)
		}
	})
}
