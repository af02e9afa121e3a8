// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed static
var static embed.FS

// assets are the style sheet, the scripts, the fonts and the icon that pages load, each ready to be sent. They are immutable and
// safe for concurrent use.
type assets struct {
	version string // of all files: it stands in their addresses
	files   map[string]asset
}

type asset struct {
	kind          string // media type
	plain, zipped []byte // zipped is nil where it would not be smaller
}

func readAssets() (*assets, error) {
	a := &assets{files: map[string]asset{}}
	all, err := fs.ReadDir(static, "static")
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	for _, f := range all {
		content, err := fs.ReadFile(static, path.Join("static", f.Name()))
		if err != nil {
			return nil, err
		}
		sum.Write(content)
		one := asset{kind: mime.TypeByExtension(path.Ext(f.Name())), plain: content}
		if path.Ext(f.Name()) == ".woff2" { // known to no table of this language's library
			one.kind = "font/woff2"
		}
		var out bytes.Buffer
		w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		if out.Len() < len(content)*9/10 {
			one.zipped = out.Bytes()
		}
		a.files[f.Name()] = one
	}
	a.version = hex.EncodeToString(sum.Sum(nil)[:6])
	return a, nil
}

// address is where a page finds a file.
func (a *assets) address(name string) string { return "/static/" + a.version + "/" + name }

// ServeHTTP answers GET /static/{version}/{file}. What has this version's address never changes, so a browser asks once (RFC 8246).
// The address of another version is one of a page that another process wrote, while the program is being replaced: it gets what is
// here, for a minute.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=60")
	if r.PathValue("version") == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := f.plain
	if f.zipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if takesGzip(r.Header.Values("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body = f.zipped
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // whoever asked has gone
}

// takesGzip says whether a browser names gzip without forbidding it (RFC 9110 §12.5.3).
func takesGzip(accepted []string) bool {
	for part := range strings.SplitSeq(strings.Join(accepted, ","), ",") {
		name, weight, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(part, " ", "")), ";")
		if name != "gzip" {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimPrefix(weight, "q="), 64)
		return weight == "" || err == nil && q > 0
	}
	return false
}
