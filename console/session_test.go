// SPDX-License-Identifier: Apache-2.0

package console

import "testing"

// TestNext: after logging in nobody is led to another site.
func TestNext(t *testing.T) {
	for to, want := range map[string]string{
		"/queue": "/queue", "/registry?q=a&page=2": "/registry?q=a&page=2", "": "", "queue": "", "https://example.kz/": "", "//example.kz": "",
		"/\\example.kz": "", "/./\\example.kz": "", "/x/../\\example.kz": "", "/\t/example.kz": "", "javascript:alert(1)": "",
	} {
		if got := next(to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}
