// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"net/url"
	"slices"
	"strings"
)

// inherited gives the attributes of the xml namespace that the first element of a part takes over from those around it:
// all of them in Canonical XML 1.0 §2.4; in 1.1 §2.4 xml:lang and xml:space, never xml:id, and xml:base joined.
func (w *writer) inherited(n *node, above []uint32) []sortable {
	values := map[string]string{}
	var bases []string
	var attrs []attribute
	for _, at := range above {
		e := &w.nodes[at]
		if e.flags&prefixed == 0 {
			continue
		}
		attrs = w.read(e, attrs)
		for i := range attrs {
			local, ok := w.xml(&attrs[i])
			switch {
			case !ok:
			case w.m.eleven && local == "base":
				bases = append(bases, string(w.value(&attrs[i])))
			case w.m.eleven && local != "lang" && local != "space":
			default:
				values[local] = string(w.value(&attrs[i]))
			}
		}
	}
	if n.flags&prefixed != 0 {
		attrs = w.read(n, attrs)
		for i := range attrs {
			local, ok := w.xml(&attrs[i])
			if !ok {
				continue
			}
			// The element's own value counts; its base is joined to those around it, where there are any.
			delete(values, local)
			if local == "base" && len(bases) > 0 {
				bases = append(bases, string(w.value(&attrs[i])))
			}
		}
	}
	if len(bases) > 0 {
		base := ""
		for _, b := range bases {
			base = joinBase(base, b)
		}
		w.joined = true
		if base != "" {
			values["base"] = base
		}
	}
	var out []sortable
	for local, v := range values {
		out = append(out, sortable{uri: []byte(namespaceXML), local: []byte(local), attr: -1, value: []byte(v), name: []byte("xml:" + local)})
	}
	slices.SortFunc(out, func(a, b sortable) int { return strings.Compare(string(a.local), string(b.local)) })
	return out
}

// xml gives the local name of an attribute in the xml namespace.
func (d *Document) xml(a *attribute) (string, bool) {
	if string(d.src[a.name:a.colon]) != "xml" {
		return "", false
	}
	return string(d.src[a.colon+1 : a.nameEnd]), true
}

// joinBase resolves a reference against a base, either of which may be relative (Canonical XML 1.1 §2.4, Appendix A).
func joinBase(base, ref string) string {
	if base == "" {
		return ref
	}
	r, err := url.Parse(ref)
	if err != nil || r.Scheme != "" || r.Host != "" {
		return ref
	}
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	out := *b
	out.Fragment, out.RawFragment = "", ""
	if r.Path != "" || r.RawQuery != "" {
		out.RawQuery = r.RawQuery
	}
	switch {
	case r.Path == "":
	case strings.HasPrefix(r.Path, "/"):
		out.Path = withoutDots(r.Path)
	default:
		// RFC 3986 §5.2.3: everything behind the base's last slash goes.
		out.Path = withoutDots(b.Path[:strings.LastIndexByte(b.Path, '/')+1] + r.Path)
	}
	out.RawPath = ""
	return out.String()
}

// withoutDots removes dot segments (RFC 3986 §5.2.4); leading ".." of a relative path stay.
func withoutDots(path string) string {
	var out []string
	segments := strings.Split(path, "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch {
		case s == ".":
			if last {
				out = append(out, "")
			}
		case s == ".." && len(out) > 0 && out[len(out)-1] != ".." && (len(out) > 1 || out[0] != ""):
			out = out[:len(out)-1]
			if last {
				out = append(out, "")
			}
		case s == ".." && len(out) == 1 && out[0] == "":
		default:
			out = append(out, s)
		}
	}
	return strings.Join(out, "/")
}
