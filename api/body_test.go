// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"rastau/api"
)

// Hostile and mistaken bodies: a 4xx with its code, never a panic, never silence.
func TestBodies(t *testing.T) {
	h := newHouse(t, func(o *api.Options) { o.BodyLimit = 64 << 10 })
	const verify = "/v1/signatures/verify"
	long := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("x"), 64<<10))
	for _, c := range []struct {
		name, kind, body string
		status           int
		code             string
	}{
		{"empty", "application/json", "", 400, "json"},
		{"not JSON", "application/json", "<xml/>", 400, "json"},
		{"null", "application/json", "null", 422, "input"},
		{"array", "application/json", "[]", 400, "json"},
		{"string", "application/json", `"x"`, 400, "json"},
		{"cut", "application/json", `{"document":"AA`, 400, "json"},
		{"unknown name", "application/json", `{"document":"AAAA","anchors":["AAAA"]}`, 400, "json"},
		{"a second value", "application/json", `{"document":"AAAA"}{"document":"AAAA"}`, 400, "json"},
		{"something behind", "application/json", `{"document":"AAAA"} x`, 400, "json"},
		{"a name twice", "application/json", `{"document":"AAAA","document":"BBBB"}`, 400, "json"},
		{"a name twice in another case", "application/json", `{"iin":"1","document":"AAAA","IIN":"2"}`, 400, "json"},
		{"wrong type", "application/json", `{"document":17}`, 400, "json"},
		{"a number for a text", "application/json", `{"document":"AAAA","iin":12}`, 400, "json"},
		{"not UTF-8", "application/json", "{\"document\":\"AAAA\",\"iin\":\"\xff\"}", 400, "json"},
		{"half a character", "application/json", `{"document":"AAAA","iin":"a\ud800"}`, 400, "json"},
		{"the other half", "application/json", `{"document":"AAAA","iin":"\uDC00a"}`, 400, "json"},
		{"halves in the wrong order", "application/json", `{"document":"AAAA","iin":"\udc00\ud800"}`, 400, "json"},
		{"half a character in a name", "application/json", `{"\ud83d":"AAAA"}`, 400, "json"},
		{"half a character at the end", "application/json", `{"document":"\ud800`, 400, "json"},
		{"a whole character by halves", "application/json", `{"document":"AAAA","iin":"\ud83d\ude00"}`, 422, "input"},
		{"no escape but its letters", "application/json", `{"document":"AAAA","iin":"\\ud800"}`, 422, "input"},
		{"deep", "application/json", `{"document":` + strings.Repeat("[", 10_000), 400, "json"},
		{"wrong base64", "application/json", `{"document":"A*A="}`, 400, "base64"},
		{"base64 without padding", "application/json", `{"document":"AAA"}`, 400, "base64"},
		{"base64 of the other alphabet", "application/json", `{"document":"-_-_"}`, 400, "base64"},
		{"no document", "application/json", `{}`, 422, "input"},
		{"null document", "application/json", `{"document":null}`, 422, "input"},
		{"too large", "application/json", `{"document":"` + long + `"}`, 413, "body_too_large"},
		{"no content type", "", `{"document":"AAAA"}`, 415, "content_type"},
		{"text", "text/plain", `{"document":"AAAA"}`, 415, "content_type"},
		{"broken content type", "application/json; charset", `{}`, 415, "content_type"},
		{"a raw signature", "application/cms", `0`, 415, "content_type"},
		{"form without boundary", "multipart/form-data", `x`, 400, "body"},
		{"form that is none", "multipart/form-data; boundary=b", `x`, 400, "body"},
		{"form without parts", "multipart/form-data; boundary=b", "--b--\r\n", 422, "input"},
		{"form cut", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"document\"\r\n\r\nabc", 400, "body"},
		{"form with an unknown part", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"anchors\"\r\n\r\nx\r\n--b--\r\n", 400, "body"},
		{"form with a part twice", "multipart/form-data; boundary=b", strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"document\"\r\n\r\nx\r\n", 2) + "--b--\r\n", 400, "body"},
		{"form with a nameless part", "multipart/form-data; boundary=b", "--b\r\n\r\nx\r\n--b--\r\n", 400, "body"},
		{"form with an encoded part", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"document\"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n", 400, "body"},
		{"form with a long value", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"iin\"\r\n\r\n" + strings.Repeat("1", 5000) + "\r\n--b--\r\n", 413, "body_too_large"},
		{"time", "application/json", `{"document":"AAAA","at":"yesterday"}`, 422, "input"},
		{"iin", "application/json", `{"document":"AAAA","iin":"12"}`, 422, "input"},
		{"bin", "application/json", `{"document":"AAAA","bin":"12345678901x"}`, 422, "input"},
		{"purpose", "application/json", `{"document":"AAAA","purpose":"timestamp"}`, 422, "input"},
		{"applicant", "application/json", `{"document":"AAAA","applicant":"emperor"}`, 422, "input"},
		{"revocation", "application/json", `{"document":"AAAA","revocation":"maybe"}`, 422, "input"},
		{"max age", "application/json", `{"document":"AAAA","maxAge":"-1h"}`, 422, "input"},
		{"max age unit", "application/json", `{"document":"AAAA","maxAge":"7 days"}`, 422, "input"},
		{"lang", "application/json", `{"document":"AAAA","lang":"de"}`, 422, "input"},
		{"algorithms", "application/json", `{"document":"AAAA","algorithms":"any"}`, 422, "input"},
		{"digest", "application/json", `{"document":"AAAA","contentDigest":"sha256:00"}`, 422, "input"},
		{"hash", "application/json", `{"document":"AAAA","contentDigest":"md5:00112233445566778899aabbccddeeff"}`, 422, "input"},
		{"content and digest", "application/json", `{"document":"AAAA","content":"","contentDigest":"sha256:00"}`, 422, "input"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := ask{method: "POST", path: verify, account: "auditor", contentType: c.kind, body: c.body}
			if c.kind == "" {
				a.header = map[string]string{"Content-Type": ""}
			}
			p := h.refused(t, a, c.status, c.code)
			if p.Detail == "" {
				t.Error("nothing says what is wrong")
			}
			if c.code == "input" && p.Field == "" {
				t.Error("the field is not named")
			}
		})
	}
	h.refused(t, ask{path: verify, account: "auditor", body: `{"document":"AAAA"}`, header: map[string]string{"Content-Encoding": "gzip"}}, 415, "content_type")
	h.refused(t, ask{path: "/v1/certificates/verify", account: "auditor", body: `{}`}, 422, "input")
	h.refused(t, ask{path: "/v1/licences/verify", account: "auditor", body: `{"lang":"kk"}`}, 422, "input")
	h.refused(t, ask{path: "/v1/licences/verify", account: "auditor", body: `{"number":"KZ19ZZZ00000001"}`}, 422, "input")
	h.refused(t, ask{path: "/v1/applications/x/signature", account: "applicant", body: `{}`}, 422, "input")
	h.refused(t, ask{path: "/v1/applications/x/decision", account: "officer", body: `{"grounds":"x"}`}, 422, "input")
	for _, limit := range []string{"0", "501", "x", "-1"} {
		h.refused(t, ask{path: "/v1/applications?limit=" + limit, account: "admin"}, 422, "input")
	}
	h.refused(t, ask{path: "/v1/applications?status=lost", account: "admin"}, 422, "input")
	h.refused(t, ask{path: "/v1/nothing", account: "admin"}, 404, "no_route")
	h.refused(t, ask{method: "DELETE", path: "/v1/services", account: "admin"}, 405, "method")

	// A body whose sender does not say how long it is meets the same bound; one that breaks off is the client's fault.
	for _, c := range []struct {
		body *http.Request
		want int
	}{
		{request(t, &endless{}), 413},
		{request(t, struct{ *bytes.Buffer }{bytes.NewBufferString(`{"document":"AAAA"}`)}), 200},
		{request(t, iotest.ErrReader(errors.New("reset"))), 400},
	} {
		c.body.Header.Set("Authorization", "Bearer "+h.tokens["auditor"])
		w := record(h, c.body)
		if w.Code != c.want {
			t.Errorf("got %d %s, want %d", w.Code, w.Body, c.want)
		}
	}
}

// What is given and empty was lost on the way: an answer that ignored it would answer
// another question, "any holder" instead of this one.
func TestEmptyIsNotUnasked(t *testing.T) {
	h := newHouse(t, nil)
	judging := []string{"at", "iin", "bin", "applicant", "purpose", "revocation", "maxAge", "lang", "algorithms"}
	for route, of := range map[string]struct {
		file  string
		names []string
	}{
		"/v1/signatures/verify":   {"document", append([]string{"contentDigest"}, judging...)},
		"/v1/certificates/verify": {"certificate", judging},
		"/v1/licences/verify":     {"document", []string{"number", "lang"}},
	} {
		for _, name := range of.names {
			form := fmt.Sprintf("--b\r\nContent-Disposition: form-data; name=%q\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=%q\r\n\r\n\r\n--b--\r\n", of.file, name)
			for _, a := range []ask{
				{path: route, body: fmt.Sprintf(`{%q:"AAAA",%q:""}`, of.file, name)},
				{method: "POST", path: route, contentType: "multipart/form-data; boundary=b", body: form},
			} {
				a.account = "auditor"
				if p := h.refused(t, a, 422, "input"); p.Field != name {
					t.Errorf("%s, empty %s: the field named is %q", route, name, p.Field)
				}
			}
			// null is JSON's word for what is absent.
			h.get(t, ask{path: route, account: "auditor", body: fmt.Sprintf(`{%q:"AAAA",%q:null}`, of.file, name)}, &struct{}{})
		}
	}
}

type endless struct{}

func (*endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// A form asks the same as JSON.
func TestFormAndJSONAgree(t *testing.T) {
	h := newHouse(t, nil)
	content := []byte("what was signed")
	signature := h.sign(t, content)
	sum := "sha256:" + fmt.Sprintf("%x", sha256Sum(content))
	form := func(parts map[string][]byte) (string, []byte) {
		var buf bytes.Buffer
		w := multipart.NewWriter(&buf)
		for name, value := range parts {
			head := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename="f.bin"`, name)}}
			p, err := w.CreatePart(head)
			if err != nil {
				t.Fatal(err)
			}
			p.Write(value)
		}
		w.Close()
		return w.FormDataContentType(), buf.Bytes()
	}
	at := h.clock.now().Format("2006-01-02T15:04:05Z07:00")
	for name, c := range map[string]struct {
		json map[string]any
		form map[string][]byte
		want string
	}{
		"content": {map[string]any{"document": signature, "content": content, "bin": h.bin, "at": at},
			map[string][]byte{"document": signature, "content": content, "bin": []byte(h.bin), "at": []byte(at)}, "TOTAL-PASSED"},
		"digest": {map[string]any{"document": signature, "contentDigest": sum, "at": at},
			map[string][]byte{"document": signature, "contentDigest": []byte(sum), "at": []byte(at)}, "TOTAL-PASSED"},
		"no content": {map[string]any{"document": signature, "at": at}, map[string][]byte{"document": signature, "at": []byte(at)}, "INDETERMINATE/SIGNED_DATA_NOT_FOUND"},
		"empty content": {map[string]any{"document": signature, "content": []byte{}, "at": at},
			map[string][]byte{"document": signature, "content": {}, "at": []byte(at)}, "TOTAL-FAILED/HASH_FAILURE"},
		"other body": {map[string]any{"document": signature, "content": content, "bin": "110340000013", "at": at},
			map[string][]byte{"document": signature, "content": content, "bin": []byte("110340000013"), "at": []byte(at)}, "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE"},
		"auth": {map[string]any{"document": signature, "content": content, "purpose": "auth", "at": at},
			map[string][]byte{"document": signature, "content": content, "purpose": []byte("auth"), "at": []byte(at)}, "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE"},
		"as a person": {map[string]any{"document": signature, "content": content, "applicant": "natural-person", "at": at},
			map[string][]byte{"document": signature, "content": content, "applicant": []byte("natural-person"), "at": []byte(at)}, "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE"},
		"as a company": {map[string]any{"document": signature, "content": content, "applicant": "legal-entity", "at": at},
			map[string][]byte{"document": signature, "content": content, "applicant": []byte("legal-entity"), "at": []byte(at)}, "TOTAL-PASSED"},
		"no signature": {map[string]any{"document": []byte("hello"), "at": at}, map[string][]byte{"document": []byte("hello"), "at": []byte(at)}, "TOTAL-FAILED/FORMAT_FAILURE"},
		"empty file":   {map[string]any{"document": []byte{}, "at": at}, map[string][]byte{"document": {}, "at": []byte(at)}, "TOTAL-FAILED/FORMAT_FAILURE"},
	} {
		var a, b report
		j := h.get(t, ask{path: "/v1/signatures/verify", account: "officer", body: c.json}, &a)
		kind, body := form(c.form)
		f := h.get(t, ask{path: "/v1/signatures/verify", account: "officer", contentType: kind, body: body}, &b)
		if a.verdict() != c.want || !reflect.DeepEqual(a, b) {
			t.Errorf("%s: got %s, want %s; the form got %s\n%s\n%s", name, a.verdict(), c.want, b.verdict(), j.Body, f.Body)
		}
	}
	// The signature of an application comes in a form too, and the certificate and the licence.
	app := h.draft(t)
	kind, body := form(map[string][]byte{"signature": h.sign(t, app.Package)})
	var sub submission
	h.get(t, ask{path: "/v1/applications/" + app.ID + "/signature", account: "applicant", contentType: kind, body: body}, &sub)
	if sub.Verdict.verdict() != "TOTAL-PASSED" {
		t.Errorf("form: %s", sub.Verdict.verdict())
	}
	var r report
	kind, body = form(map[string][]byte{"certificate": h.head.Certificate.Raw, "iin": []byte("000000000000")})
	h.get(t, ask{path: "/v1/certificates/verify", account: "officer", contentType: kind, body: body}, &r)
	if r.verdict() != "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE" {
		t.Errorf("certificate: %s", r.verdict())
	}
	kind, body = form(map[string][]byte{"document": []byte("x"), "lang": []byte("ru")})
	var l struct{ Verdict report }
	h.get(t, ask{path: "/v1/licences/verify", account: "officer", contentType: kind, body: body}, &l)
	if l.Verdict.verdict() != "TOTAL-FAILED/FORMAT_FAILURE" {
		t.Errorf("licence: %s", l.Verdict.verdict())
	}
}

// The time judged, the language and the purpose are the caller's; a certificate is not asked for signing unless said.
func TestQuestion(t *testing.T) {
	h := newHouse(t, nil)
	var r report
	certificate := h.head.Certificate.Raw
	h.get(t, ask{path: "/v1/certificates/verify", account: "auditor", body: map[string]any{"certificate": certificate}}, &r)
	if r.verdict() != "TOTAL-PASSED" || r.Time.Source != "clock" {
		t.Errorf("now: %s %+v", r.verdict(), r.Time)
	}
	h.get(t, ask{path: "/v1/certificates/verify", account: "auditor", body: map[string]any{"certificate": certificate, "at": "2036-01-01T00:00:00Z"}}, &r)
	if r.verdict() != "TOTAL-FAILED/EXPIRED" || r.Time.Source != "given" {
		t.Errorf("in ten years: %s %+v", r.verdict(), r.Time)
	}
	said := map[string]string{}
	for _, lang := range []string{"kk", "ru", "en"} {
		var asked, preferred report
		h.get(t, ask{path: "/v1/certificates/verify", account: "auditor", body: map[string]any{"certificate": certificate, "lang": lang}}, &asked)
		h.get(t, ask{path: "/v1/certificates/verify", account: "auditor", body: map[string]any{"certificate": certificate}, header: map[string]string{"Accept-Language": lang + "-KZ, de;q=0.5"}}, &preferred)
		detail := asked.Findings[0].Detail
		if detail == "" || detail != preferred.Findings[0].Detail || said[detail] != "" {
			t.Errorf("%s: %q asked for, %q preferred, %s says the same", lang, detail, preferred.Findings[0].Detail, said[detail])
		}
		said[detail] = lang
	}
}

// What is read is one value that reads the same a second time.
func FuzzDecodeJSON(f *testing.F) {
	seeds := [][]byte{
		[]byte(`{"document":"AAAA","lang":"kk"}`), []byte(`{"document":null}`), []byte(`{"a":1,"A":2}`), []byte(`[[[[]]]]`),
		[]byte(`{"document":"AAAA"} {}`), []byte("\"\\ud800\""), []byte(`{"checklist":{"a":true}}`), []byte(`0`), []byte(`{"":{"":""}}`),
		[]byte(`{"document":` + strings.Repeat("[", api.MaxDepth+2)),
	}
	if len(seeds) == 0 {
		f.Fatal("the corpus is empty")
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var any1 map[string]any
		if api.DecodeJSON(data, &any1) != nil {
			return
		}
		again, err := json.Marshal(any1)
		if err != nil {
			t.Fatal(err)
		}
		var any2 map[string]any
		if err := api.DecodeJSON(again, &any2); err != nil {
			t.Fatalf("%q was read, %q is refused: %v", data, again, err)
		}
		third, err := json.Marshal(any2)
		if err != nil || !bytes.Equal(again, third) {
			t.Fatalf("%q became %q", again, third)
		}
	})
}

// Whatever arrives is answered with 200, or with a 4xx that has a code.
func FuzzVerifyBody(f *testing.F) {
	h := newHouse(f, func(o *api.Options) { o.BodyLimit = 64 << 10 })
	signature := h.sign(f, []byte("content"))
	encoded, err := json.Marshal(map[string]any{"document": signature, "content": []byte("content"), "revocation": "none"})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []struct {
		kind string
		body []byte
	}{
		{"application/json", encoded},
		{"application/json", []byte(`{"document":"AAAA","at":"2026-01-01T00:00:00Z","maxAge":"1h"}`)},
		{"multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"document\"\r\n\r\nabc\r\n--b--\r\n")},
		{"multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"document\"; filename*=utf-8''%ff\r\n\r\nabc\r\n--b\r\n\r\n--b--")},
		{"text/plain", nil},
	} {
		f.Add(s.kind, s.body)
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		w := h.do(t, ask{method: "POST", path: "/v1/signatures/verify", account: "auditor", body: body, header: map[string]string{"Content-Type": kind}})
		if w.Code == 200 {
			return
		}
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code == "" || w.Code/100 != 4 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
