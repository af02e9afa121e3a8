// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"io"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/cms"
	"rastau/internal/evidence"
	"rastau/internal/fetch"
	"rastau/internal/identity"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/verifier"
)

var day0 = time.Date(2026, 3, 2, 9, 0, 0, 123456789, time.UTC)

// house is a PKI with its servers, which can be shut.
type house struct {
	pki    *testpki.PKI
	ca     *testpki.CA
	server *httptest.Server
	v      *verifier.Verifier
	alone  *verifier.Verifier // no network at all
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{}
	clock := func() time.Time { return day0 }
	var err error
	if h.pki, err = testpki.New(testpki.Options{Now: clock, EC: true}); err != nil {
		t.Fatal(err)
	}
	h.server = httptest.NewServer(h.pki.Handler())
	t.Cleanup(h.server.Close)
	h.pki.SetBaseURL(h.server.URL)
	if h.ca, err = h.pki.NewCA(""); err != nil {
		t.Fatal(err)
	}
	if _, err = h.pki.NewTSA(h.ca); err != nil {
		t.Fatal(err)
	}
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	h.v = verifier.New(verifier.Options{Now: clock, Web: web, FetchIssuers: true, Lists: crl.NewSource(crl.SourceOptions{Fetch: web, Now: clock})})
	h.alone = verifier.New(verifier.Options{Now: func() time.Time { panic("the clock is not asked") }})
	return h
}

var iin = identity.NewIIN(time.Date(1988, 4, 12, 0, 0, 0, 0, time.UTC), true, 4321)

func (h *house) person(t testing.TB, change ...func(*testpki.Leaf)) *pki.Key {
	t.Helper()
	l := testpki.Leaf{IIN: iin}
	for _, c := range change {
		c(&l)
	}
	k, err := h.ca.Issue(l)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var statement = []byte("Өтініш: лицензия беруді сұраймын.")

func (h *house) sign(t testing.TB, k *pki.Key, change ...func(*cms.SignOptions)) []byte {
	t.Helper()
	o := cms.SignOptions{Content: statement, Key: k.Signer, Certificate: k.Certificate, Chain: k.Chain, SigningTime: day0}
	for _, c := range change {
		c(&o)
	}
	der, err := cms.Sign(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (h *house) stamped(o *cms.SignOptions) {
	o.Stamp = func(_ context.Context, signature []byte) ([]byte, error) {
		return h.pki.TimestampToken(signature, day0.Add(-time.Minute))
	}
}

func (h *house) ask() verifier.Question {
	return verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(h.pki.Root().Certificate)}, KeepRecord: true}
}

func reader(content []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
}

func pack(t testing.TB, r *verifier.Report) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := evidence.Write(&out, "a file.p7s", r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asJSON(t testing.TB, r *verifier.Report) string {
	t.Helper()
	r.File = ""
	data, err := evidence.JSON(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The evidence of a verdict, whatever it is, gives the same report again: without a network, without a clock, byte for byte.
// And the evidence of that is the same file.
func TestSameVerdictFromEvidenceAlone(t *testing.T) {
	h := newHouse(t)
	good, revoked := h.person(t), h.person(t)
	ocspGone := h.person(t, func(l *testpki.Leaf) { l.NoOCSP = true })
	h.ca.Revoke(revoked.Certificate, day0.Add(-time.Hour), 1)
	list := func(ca *testpki.CA) *crl.List {
		der, err := ca.CRL(testpki.CRLOptions{})
		if err != nil {
			t.Fatal(err)
		}
		l, err := crl.Parse(der, crl.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	noChain := func(o *cms.SignOptions) { o.Chain = nil }
	detached := func(o *cms.SignOptions) { o.Detached = true }
	large := bytes.Repeat([]byte{7}, verifier.MaxContent+1)
	for name, tt := range map[string]struct {
		document []byte
		ask      func(*verifier.Question)
		want     string
	}{
		"OCSP from the network":     {h.sign(t, good), nil, "TOTAL-PASSED/"},
		"timestamp":                 {h.sign(t, good, h.stamped), nil, "TOTAL-PASSED/"},
		"list from the network":     {h.sign(t, ocspGone), nil, "TOTAL-PASSED/"},
		"revoked":                   {h.sign(t, revoked), nil, "INDETERMINATE/REVOKED_NO_POE"},
		"revoked after the stamp":   {h.sign(t, revoked, h.stamped), nil, ""},
		"issuers fetched":           {h.sign(t, good, noChain), nil, ""},
		"given lists":               {h.sign(t, good), func(q *verifier.Question) { q.Offline, q.Lists = true, []*crl.List{list(h.pki.Root()), list(h.ca)} }, "TOTAL-PASSED/"},
		"nothing at hand":           {h.sign(t, good), func(q *verifier.Question) { q.Offline = true }, "INDETERMINATE/TRY_LATER"},
		"another person expected":   {h.sign(t, good), func(q *verifier.Question) { q.IIN = identity.NewIIN(day0.AddDate(-30, 0, 0), false, 77) }, "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE"},
		"nobody trusted":            {h.sign(t, good), func(q *verifier.Question) { q.Anchors = nil }, "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND"},
		"detached":                  {h.sign(t, good, detached), func(q *verifier.Question) { q.Content = reader(statement) }, "TOTAL-PASSED/"},
		"detached, nothing shown":   {h.sign(t, good, detached), nil, "INDETERMINATE/SIGNED_DATA_NOT_FOUND"},
		"detached, unreadable":      {h.sign(t, good, detached), func(q *verifier.Question) { q.Content = func() (io.ReadCloser, error) { return nil, io.ErrClosedPipe } }, "INDETERMINATE/SIGNED_DATA_NOT_FOUND"},
		"detached, empty":           {h.sign(t, good, detached, func(o *cms.SignOptions) { o.Content = []byte{} }), func(q *verifier.Question) { q.Content = reader(nil) }, "TOTAL-PASSED/"},
		"detached, too large":       {h.sign(t, good, detached, func(o *cms.SignOptions) { o.Content = large }), func(q *verifier.Question) { q.Content = reader(large) }, "TOTAL-PASSED/"},
		"detached, another content": {h.sign(t, good, detached), func(q *verifier.Question) { q.Content = reader(large) }, "TOTAL-FAILED/HASH_FAILURE"},
		"no signature at all":       {[]byte("nothing"), nil, "TOTAL-FAILED/FORMAT_FAILURE"},
		"stated time, other rules": {h.sign(t, good), func(q *verifier.Question) {
			q.At, q.NoRevocation, q.Algorithms, q.Lang = day0.Add(time.Minute), true, pki.LegacyAlgorithms, phrase.KK
		}, "TOTAL-PASSED/"},
		"max-age and policies": {h.sign(t, good), func(q *verifier.Question) { q.MaxAge, q.Policies = time.Hour, []pki.OID{"1.2.398.3.3.2"} }, ""},
		"an input that was no list": {h.sign(t, good), func(q *verifier.Question) {
			q.Broken = []verifier.Finding{{Key: "input.crl", Citation: "RFC 5280 §5.1", Outcome: verifier.Warn, Text: &phrase.Text{KK: "а", RU: "б", EN: "c"}}}
		}, "TOTAL-PASSED/"},
	} {
		t.Run(name, func(t *testing.T) {
			q := h.ask()
			if tt.ask != nil {
				tt.ask(&q)
			}
			r := h.v.Document(t.Context(), tt.document, q)
			if got := r.Indication.String() + "/" + string(r.SubIndication); tt.want != "" && got != tt.want {
				t.Fatalf("%s, want %s", got, tt.want)
			}
			archive := pack(t, r)
			f, err := evidence.Open(archive)
			if err != nil {
				t.Fatal(err)
			}
			q = f.Question
			q.KeepRecord = true
			again := h.alone.Document(t.Context(), f.Document, q)
			if have, want := asJSON(t, again), asJSON(t, r); have != want {
				t.Fatalf("again:\n%s\nfirst:\n%s", have, want)
			}
			// Content that was kept by its digests alone is known by them alone the second time.
			if c := r.Record.Content; (c == nil || c.Bytes != nil || c.Unreadable) && !bytes.Equal(pack(t, again), archive) {
				t.Error("the evidence of the evidence is another file")
			}
			well(t, r)
		})
	}
}

// Certificates have evidence too.
func TestCertificateEvidence(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	q := h.ask()
	// A file of several certificates is one document: the first is judged, the others help.
	file := slices.Concat(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate.Raw}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.ca.Certificate.Raw}))
	r := h.v.CertificateFile(t.Context(), file, q)
	f, err := evidence.Open(pack(t, r))
	if err != nil {
		t.Fatal(err)
	}
	if !f.Certificate || r.Indication != verifier.TotalPassed {
		t.Fatalf("%v %v", f.Certificate, r.Indication)
	}
	again := h.alone.CertificateFile(t.Context(), f.Document, f.Question)
	if have, want := asJSON(t, again), asJSON(t, r); have != want {
		t.Errorf("again:\n%s\nfirst:\n%s", have, want)
	}
	if _, err := evidence.XML(r); err == nil {
		t.Error("a report about a certificate has no ETSI form")
	}
}

// An auditor's own anchors decide, whatever the file's maker trusted.
func TestOwnAnchors(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	f, err := evidence.Open(pack(t, h.v.Document(t.Context(), h.sign(t, h.person(t)), h.ask())))
	if err != nil {
		t.Fatal(err)
	}
	q := f.Question
	q.Anchors, q.TSAAnchors = other.ask().Anchors, nil
	if r := h.alone.Document(t.Context(), f.Document, q); r.SubIndication != verifier.NoCertificateChainFound {
		t.Errorf("%v/%s", r.Indication, r.SubIndication)
	}
}

// What a verdict rests on is all there, with where it came from.
func TestPieces(t *testing.T) {
	h := newHouse(t)
	r := h.v.Document(t.Context(), h.sign(t, h.person(t), h.stamped), h.ask())
	have := map[string]int{}
	for _, p := range r.Record.Pieces {
		if p.Used {
			have[string(p.Kind)+" "+p.Source]++
		}
	}
	for _, want := range []string{"anchor given", "certificate embedded", "ocsp network", "timestamp embedded"} {
		if have[want] == 0 {
			t.Errorf("no %s among %v", want, have)
		}
	}
	if plain := h.v.Document(t.Context(), h.sign(t, h.person(t)), verifier.Question{}); plain.Record != nil {
		t.Error("a record that nobody asked for")
	}
}

// A question that gains a field must say it in question.json, or the verdict will not be the same.
func TestEveryFieldOfTheQuestionIsKept(t *testing.T) {
	kept := []string{"At", "Lang", "Anchors", "TSAAnchors", "Certs", "Lists", "OCSPs", "Broken", "Content", "Digests", "IIN", "BIN", "Applicant",
		"Subordinates", "Purpose", "Policies", "RequireExplicitPolicy", "InhibitPolicyMapping", "InhibitAnyPolicy", "NoRevocation", "MaxAge",
		"Algorithms", "Offline"}
	about := []string{"KeepRecord", "Replay"} // the record itself
	for i := range reflect.TypeFor[verifier.Question]().NumField() {
		if name := reflect.TypeFor[verifier.Question]().Field(i).Name; !slices.Contains(kept, name) && !slices.Contains(about, name) {
			t.Errorf("verifier.Question.%s is not kept in the evidence", name)
		}
	}
}

// Files that are not whole are refused.
func TestMalformed(t *testing.T) {
	h := newHouse(t)
	good := pack(t, h.v.Document(t.Context(), h.sign(t, h.person(t)), h.ask()))
	type item struct {
		name string
		data []byte
	}
	take := func() []item {
		z, err := zip.NewReader(bytes.NewReader(good), int64(len(good)))
		if err != nil {
			t.Fatal(err)
		}
		var all []item
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, item{f.Name, data})
		}
		return all
	}
	build := func(method uint16, all []item) []byte {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, x := range all {
			w, err := z.CreateHeader(&zip.FileHeader{Name: x.name, Method: method})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(x.data); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	if _, err := evidence.Open(build(zip.Store, take())); err != nil {
		t.Fatalf("packed again: %v", err)
	}
	edit := func(change func([]item) []item) []byte { return build(zip.Store, change(take())) }
	notes := func(from, to string) []byte {
		return edit(func(all []item) []item {
			if !bytes.Contains(all[0].data, []byte(from)) {
				t.Fatalf("no %s", from)
			}
			all[0].data = bytes.Replace(all[0].data, []byte(from), []byte(to), 1)
			return all
		})
	}
	for name, data := range map[string][]byte{
		"empty":                   {},
		"cut off":                 good[:len(good)-30],
		"one byte more":           append(slices.Clone(good), 0),
		"compressed":              build(zip.Deflate, take()),
		"an entry more":           edit(func(all []item) []item { return append(all, item{"lists/0009-0123456789abcdef.crl", []byte("x")}) }),
		"an entry twice":          edit(func(all []item) []item { return append(all, all[1]) }),
		"an entry less":           edit(func(all []item) []item { return all[:len(all)-1] }),
		"a path":                  edit(func(all []item) []item { all[3].name = "../document"; return all }),
		"an absolute path":        edit(func(all []item) []item { all[3].name = "/document"; return all }),
		"another document":        edit(func(all []item) []item { all[3].data = append(slices.Clone(all[3].data), 0); return all }),
		"question not first":      edit(func(all []item) []item { all[0], all[1] = all[1], all[0]; return all }),
		"no question":             edit(func(all []item) []item { return all[1:] }),
		"another format":          notes(`rastau-evidence/1`, `rastau-evidence/9`),
		"an unknown member":       notes(`"kind"`, `"kindness"`),
		"an unknown algorithm":    notes(`"algorithms": "default"`, `"algorithms": "none"`),
		"no time":                 notes(`"value": "2026`, `"value": "yyyy`),
		"an unknown revocation":   notes(`"revocation": "require"`, `"revocation": ""`),
		"a missing anchor":        notes(`"anchors/0001`, `"anchors/0002`),
		"another kind":            notes(`"kind": "document"`, `"kind": "licence"`),
		"a finding of its own":    notes(`"broken": null`, `"broken": [{"key":"cert.path","citation":"","text":{"kk":"","ru":"","en":""}}]`),
		"more after the question": edit(func(all []item) []item { all[0].data = append(all[0].data, '{', '}'); return all }),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := evidence.Open(data); !errors.Is(err, evidence.ErrMalformed) {
				t.Errorf("%v", err)
			}
		})
	}
	var w bytes.Buffer
	if err := evidence.Write(&w, "x", &verifier.Report{}); err == nil {
		t.Error("a report without a record was written")
	}
}

// well checks that the XML report can be read, refers to nothing that is not there, and says what the report says.
func well(t *testing.T, r *verifier.Report) {
	t.Helper()
	data, err := evidence.XML(r)
	if err != nil {
		t.Fatal(err)
	}
	ids, refs := map[string]bool{}, []string{}
	var path, mains []string
	dec := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		switch x := token.(type) {
		case xml.StartElement:
			path = append(path, x.Name.Local)
			for _, a := range x.Attr {
				switch a.Name.Local {
				case "id":
					if ids[a.Value] && x.Name.Local != "SignatureIdentifier" {
						t.Errorf("%s stands twice", a.Value)
					}
					ids[a.Value] = true
				case "VOReference":
					refs = append(refs, a.Value)
				}
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if strings.HasSuffix(strings.Join(path, "/"), "SignatureValidationStatus/MainIndication") {
				mains = append(mains, string(x))
			}
		}
	}
	for _, ref := range refs {
		if !ids[ref] {
			t.Errorf("%s refers to nothing", ref)
		}
	}
	var want []string
	for _, s := range r.Signatures {
		want = append(want, "urn:etsi:019102:mainindication:"+strings.ToLower(s.Indication.String()))
	}
	if len(want) == 0 {
		want = []string{"urn:etsi:019102:mainindication:" + strings.ToLower(r.Indication.String())}
	}
	if !slices.Equal(mains, want) {
		t.Errorf("indications %v, want %v", mains, want)
	}
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		if os.Getenv("RASTAU_REQUIRE_TOOLS") == "1" {
			t.Fatal("xmllint is required and not installed: run `make tools`")
		}
		t.Log("xmllint is not installed")
		return
	}
	cmd := exec.Command(lint, "--noout", "--nonet", "-")
	cmd.Stdin = bytes.NewReader(data)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("xmllint: %v %s", err, out)
	}
}

// Whatever is opened can be judged, and nothing that is opened brings the program down.
func FuzzOpen(f *testing.F) {
	h := newHouse(f)
	for _, document := range [][]byte{h.sign(f, h.person(f), h.stamped), []byte("nothing")} {
		f.Add(pack(f, h.v.Document(context.Background(), document, h.ask())))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := evidence.Open(data)
		if err != nil {
			if !errors.Is(err, evidence.ErrMalformed) {
				t.Errorf("%v", err)
			}
			return
		}
		if file.Certificate {
			h.alone.CertificateFile(t.Context(), file.Document, file.Question)
			return
		}
		h.alone.Document(t.Context(), file.Document, file.Question)
	})
}
