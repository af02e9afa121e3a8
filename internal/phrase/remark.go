// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"regexp"
	"strings"
	"sync"
)

const (
	remarkPrefix = "remark."
	remarkRest   = "rest" // a hole that holds further remarks

	// maxRemark bounds what is looked up: the catalogue knows no longer ones.
	maxRemark = 4 << 10
)

// remark is one entry of catalogue/remarks.yaml, recognised by its English text.
type remark struct {
	pattern *regexp.Regexp
	text    Text
}

var hole = regexp.MustCompile(`\\\{([a-z]+)\\\}`)

var remarks = sync.OnceValues(func() (fixed map[string]Text, open []remark) {
	fixed = map[string]Text{}
	for _, key := range Keys() {
		if !strings.HasPrefix(key, remarkPrefix) {
			continue
		}
		t := catalogue()[key]
		quoted := regexp.QuoteMeta(t.EN)
		if !hole.MatchString(quoted) {
			fixed[t.EN] = t
			continue
		}
		open = append(open, remark{regexp.MustCompile(`^` + hole.ReplaceAllString(quoted, `(?P<$1>.+)`) + `$`), t})
	}
	return fixed, open
})

// Remark gives a technical remark, which other packages write in English, in the
// three languages. Several are parted by "; ". One that the catalogue does not know
// stays English everywhere: better a foreign reason than none.
func Remark(english string) Text {
	if len(english) > maxRemark {
		return same(english)
	}
	var out Text
	for i, part := range strings.Split(english, "; ") {
		t := known(part)
		if i > 0 {
			t = Text{KK: "; " + t.KK, RU: "; " + t.RU, EN: "; " + t.EN}
		}
		out = Text{KK: out.KK + t.KK, RU: out.RU + t.RU, EN: out.EN + t.EN}
	}
	return out
}

func known(english string) Text {
	fixed, open := remarks()
	if t, ok := fixed[strings.TrimRight(english, ".")]; ok {
		return t
	}
	for _, r := range open {
		values := r.pattern.FindStringSubmatch(english)
		if values == nil {
			continue
		}
		args := map[string]Text{}
		for i, name := range r.pattern.SubexpNames() {
			switch name {
			case "":
			case remarkRest:
				args[name] = Remark(values[i]) // shorter: the template has words of its own
			default:
				args[name] = same(values[i])
			}
		}
		return r.text.fill(args)
	}
	return same(english)
}

func same(s string) Text { return Text{KK: s, RU: s, EN: s} }
