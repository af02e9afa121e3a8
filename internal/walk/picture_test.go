// SPDX-License-Identifier: Apache-2.0

package walk_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/page"
)

// mostPictures is how many bytes all pictures may have together: they are part of what everybody fetches.
const mostPictures = 8 << 20

// picture takes the page as it stands, where pictures are asked for.
func (p *person) picture(name string) {
	p.t.Helper()
	if p.keyboard || p.noScript {
		return
	}
	folder := filepath.Join(p.h.pictures, p.lang)
	p.must(os.MkdirAll(folder, 0o755))
	file := filepath.Join(folder, name+".webp")
	if _, err := os.Stat(file); err == nil {
		return
	}
	height := eval[float64](p, "document.documentElement.scrollHeight")
	quality, beyond := int64(20), true
	shot := call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: &quality, CaptureBeyondViewport: &beyond,
		Clip: &page.Viewport{Width: 1280, Height: min(max(height, 400), 2200), Scale: 1}})
	p.must(os.WriteFile(file, shot.Data, 0o644))
}

// index writes beside the folder of pictures a page that shows where each is; the pictures must not weigh too much.
func index(folder string) error {
	all, err := filepath.Glob(filepath.Join(folder, "*", "*.webp"))
	if err != nil {
		return err
	}
	states, size := map[string]map[string]bool{}, int64(0)
	for _, file := range all {
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		size += info.Size()
		state := strings.TrimSuffix(filepath.Base(file), ".webp")
		if states[state] == nil {
			states[state] = map[string]bool{}
		}
		states[state][filepath.Base(filepath.Dir(file))] = true
	}
	if size > mostPictures {
		return fmt.Errorf("the pictures have %d bytes, of at most %d", size, mostPictures)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Pictures of the pages\n\nMade by `make pictures PICTURES=docs/pictures` from the walks of the browser tests, with invented people.\nA name is the page's address, where \"id\" stands for a number, and what it says.\n\n| page | kk | ru | en |\n|---|---|---|---|\n")
	for _, state := range slices.Sorted(maps.Keys(states)) {
		fmt.Fprintf(&out, "| %s |", state)
		for _, lang := range []string{"kk", "ru", "en"} {
			link := ""
			if states[state][lang] {
				link = fmt.Sprintf("[%s](%s/%s/%s.webp)", lang, filepath.Base(folder), lang, state)
			}
			fmt.Fprintf(&out, " %s |", link)
		}
		fmt.Fprintln(&out)
	}
	return os.WriteFile(filepath.Join(filepath.Dir(folder), "PICTURES.md"), out.Bytes(), 0o644)
}
