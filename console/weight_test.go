// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

// TestWeight: what every page loads stays small, gzipped as it goes over the wire.
func TestWeight(t *testing.T) {
	for file, most := range map[string]int{"app.css": 25 << 10, "app.js": 20 << 10} {
		content, err := os.ReadFile(filepath.Join("static", file))
		must(t, err)
		var out bytes.Buffer
		w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
		must(t, err)
		_, err = w.Write(content)
		must(t, err)
		must(t, w.Close())
		if out.Len() > most || out.Len() < 500 {
			t.Errorf("%s is %d bytes gzipped, of at most %d", file, out.Len(), most)
		}
	}
}
