// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"rastau/crl"
	"rastau/internal/cache"
	"rastau/internal/fetch"
	"rastau/internal/identity"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/trust"
	"rastau/verifier"
)

// maxInput bounds a file before it is read into memory; the readers below have narrower bounds of their own.
const maxInput = 256 << 20

// questionFlags are the flags of verify and certificate.
type questionFlags struct {
	anchors, tsaAnchors, certs, lists, responses []string
	allow                                        []string
	proxy                                        string // of a service's configuration
	at, content, contentDigest, iin, bin         string
	applicant                                    string
	purpose, revocation, algorithms, lang        string
	evidence                                     string
	policies                                     []string
	explicit, inhibitMapping, inhibitAny         bool
	maxAge                                       time.Duration
	offline, json, quiet                         bool
	given                                        *pflag.FlagSet
}

func (f *questionFlags) register(fs *pflag.FlagSet, document bool) {
	f.given = fs
	purpose := "any"
	if document {
		purpose = "sign"
		fs.StringVar(&f.content, "content", "", "detached content: the `FILE` that was signed")
		fs.StringVar(&f.contentDigest, "content-digest", "", "digest of the detached content, `sha256:HEX` (also sha384, sha512, sha3-256, streebog256 and so on)")
	}
	fs.StringArrayVar(&f.anchors, "anchors", nil, "trusted certificates: a file or folder, DER or PEM (repeatable)")
	fs.StringArrayVar(&f.tsaAnchors, "tsa-anchors", nil, "trusted certificates of time-stamping authorities (default: --anchors)")
	fs.StringArrayVar(&f.certs, "certs", nil, "further certificates for building paths: a file or folder (repeatable)")
	fs.StringArrayVar(&f.lists, "crl", nil, "revocation lists at hand: a file or folder (repeatable)")
	fs.StringArrayVar(&f.responses, "ocsp", nil, "OCSP responses at hand: a file or folder (repeatable)")
	fs.StringVar(&f.at, "at", "", "the `TIME` judged, RFC 3339, for example 2026-04-15T00:00:00Z (default: the clock)")
	fs.StringVar(&f.iin, "iin", "", "individual identification number that the signer must have")
	fs.StringVar(&f.bin, "bin", "", "business identification number that the signer must have")
	fs.StringVar(&f.applicant, "applicant", "", "the `KIND` of applicant that the signer must be able to act as: "+applicants())
	fs.StringVar(&f.purpose, "purpose", purpose, "what the certificate must be for: sign, auth or any")
	fs.StringArrayVar(&f.policies, "policy", nil, "acceptable certificate policy `OID` (repeatable)")
	fs.BoolVar(&f.explicit, "require-explicit-policy", false, "RFC 5280 §6.1.1 (f)")
	fs.BoolVar(&f.inhibitMapping, "inhibit-policy-mapping", false, "RFC 5280 §6.1.1 (e)")
	fs.BoolVar(&f.inhibitAny, "inhibit-any-policy", false, "RFC 5280 §6.1.1 (g)")
	fs.StringVar(&f.revocation, "revocation", "require", "require or none")
	fs.DurationVar(&f.maxAge, "max-age", 0, "how old revocation data may be, for example 168h (default: until its nextUpdate)")
	fs.StringVar(&f.algorithms, "algorithms", "default", "default, or legacy: the mathematics alone, for old archives")
	fs.BoolVar(&f.offline, "offline", false, "use no network")
	fs.BoolVar(&f.json, "json", false, "print one JSON object a line")
	fs.StringArrayVar(&f.allow, "allow", nil, "`NETWORK` that may be asked although it is a special one, for example 10.0.0.0/8 (repeatable)")
	fs.StringVar(&f.evidence, "evidence", "", "write everything that the verdict rests on to `FILE.zip`, which verify and certificate judge again without a network")
	fs.StringVar(&f.lang, "lang", "en", "language of the sentences: kk, ru or en")
	fs.BoolVar(&f.quiet, "quiet", false, "no progress and no notes on stderr")
}

var dottedOID = regexp.MustCompile(`^[0-2](\.(0|[1-9][0-9]*))+$`)

// question reads every flag into a question; a flag that cannot be honoured is an error, never silence.
func (f *questionFlags) question() (verifier.Question, error) {
	q := verifier.Question{
		RequireExplicitPolicy: f.explicit, InhibitPolicyMapping: f.inhibitMapping, InhibitAnyPolicy: f.inhibitAny,
		MaxAge: f.maxAge, Offline: f.offline, IIN: f.iin, BIN: f.bin, KeepRecord: f.evidence != "",
	}
	if err := refuseEmpty(f.given); err != nil {
		return q, err
	}
	var err error
	if f.at != "" {
		if q.At, err = time.Parse(time.RFC3339, f.at); err != nil {
			return q, usagef("--at %q is no RFC 3339 time; write it like 2026-04-15T00:00:00Z", f.at)
		}
	}
	var ok bool
	if q.Lang, ok = phrase.ParseLang(f.lang); !ok {
		return q, usagef("--lang %q: choose kk, ru or en", f.lang)
	}
	for flag, value := range map[string]string{"--iin": f.iin, "--bin": f.bin} {
		if value == "" {
			continue
		}
		if _, err := identity.Parse(value); err != nil {
			return q, usagef("%s: a number has exactly twelve digits", flag)
		}
	}
	if q.Applicant = verifier.Applicant(f.applicant); f.applicant != "" && !slices.Contains(verifier.Applicants(), q.Applicant) {
		return q, usagef("--applicant %q: choose %s", f.applicant, applicants())
	}
	switch q.Purpose = verifier.Purpose(f.purpose); q.Purpose {
	case verifier.PurposeSign, verifier.PurposeAuth, verifier.PurposeAny:
	default:
		return q, usagef("--purpose %q: choose sign, auth or any", f.purpose)
	}
	switch f.revocation {
	case "require":
	case "none":
		q.NoRevocation = true
	default:
		return q, usagef("--revocation %q: choose require or none", f.revocation)
	}
	if q.Algorithms, err = algorithms(f.algorithms); err != nil {
		return q, err
	}
	if f.maxAge < 0 {
		return q, usagef("--max-age must not be negative")
	}
	for _, p := range f.policies {
		if !dottedOID.MatchString(p) {
			return q, usagef("--policy %q is no object identifier; write it like 1.2.398.3.3.2", p)
		}
		q.Policies = append(q.Policies, pki.OID(p))
	}
	if err := f.readContent(&q); err != nil {
		return q, err
	}
	return q, f.readTrust(&q)
}

// refuseEmpty refuses a flag that was given an empty value: an unset variable in somebody's script must not turn a
// question into one that is not asked.
func refuseEmpty(fs *pflag.FlagSet) error {
	var err error
	fs.Visit(func(flag *pflag.Flag) {
		list, repeated := flag.Value.(pflag.SliceValue)
		if flag.Value.String() == "" || repeated && slices.Contains(list.GetSlice(), "") {
			err = usagef("--%s is empty: give it a value or leave it out", flag.Name)
		}
	})
	return err
}

// applicants lists the kinds of applicant for help and errors.
func applicants() string {
	var out []string
	for _, a := range verifier.Applicants() {
		out = append(out, string(a))
	}
	return strings.Join(out, ", ")
}

func algorithms(name string) (*pki.AlgorithmPolicy, error) {
	switch name {
	case "default":
		return pki.DefaultAlgorithms, nil
	case "legacy":
		return pki.LegacyAlgorithms, nil
	}
	return nil, usagef("--algorithms %q: choose default or legacy", name)
}

func (f *questionFlags) readContent(q *verifier.Question) error {
	if f.content != "" && f.contentDigest != "" {
		return usagef("give --content or --content-digest, not both")
	}
	if f.content != "" {
		if file, err := os.Open(f.content); err != nil {
			return unreadablef("--content: %v", err)
		} else {
			file.Close()
		}
		name := f.content
		q.Content = func() (io.ReadCloser, error) { return os.Open(name) }
	}
	if f.contentDigest != "" {
		var err error
		if q.Digests, err = pki.ParseDigest(f.contentDigest); err != nil {
			return usagef("--content-digest: %v", err)
		}
	}
	return nil
}

// readTrust reads anchors (one that cannot be read ends the run: exit 4) and the extra evidence (a broken piece is a
// finding, and the rest goes on).
func (f *questionFlags) readTrust(q *verifier.Question) error {
	var err error
	if q.Anchors, err = readAnchors("--anchors", f.anchors); err != nil {
		return err
	}
	if q.TSAAnchors, err = readAnchors("--tsa-anchors", f.tsaAnchors); err != nil {
		return err
	}
	broken := func(key string) func(name string, problem error) {
		return func(name string, problem error) {
			text := phrase.Get("finding."+key+".broken", map[string]string{"file": name, "detail": problem.Error()})
			q.Broken = append(q.Broken, verifier.Finding{Key: key, Outcome: verifier.Warn, Citation: "RFC 5280 §4.1, §5.1; RFC 6960 §4.2.1", Text: &text})
		}
	}
	err = eachFile("--certs", f.certs, func(name string, data []byte) error {
		certs, err := pki.ReadCertificates(data)
		q.Certs = append(q.Certs, certs...)
		return err
	}, broken("input.certs"))
	if err != nil {
		return err
	}
	err = eachFile("--crl", f.lists, func(name string, data []byte) error {
		list, err := crl.Parse(data, crl.Limits{})
		if err == nil {
			q.Lists = append(q.Lists, list)
		}
		return err
	}, broken("input.crl"))
	if err != nil {
		return err
	}
	return eachFile("--ocsp", f.responses, func(name string, data []byte) error {
		if len(data) == 0 {
			return errors.New("the file is empty")
		}
		q.OCSPs = append(q.OCSPs, data)
		return nil
	}, broken("input.ocsp"))
}

func readAnchors(flag string, paths []string) ([]trust.Anchor, error) {
	var anchors []trust.Anchor
	err := eachFile(flag, paths, func(name string, data []byte) error {
		certs, err := pki.ReadCertificates(data)
		if err != nil {
			return unreadablef("%s: %s is no certificate: %v", flag, name, err)
		}
		for _, c := range certs {
			anchors = append(anchors, trust.AnchorOf(c))
		}
		return nil
	}, nil)
	return anchors, err
}

// eachFile hands every file of paths (a folder stands for the files in it) to read. A path that cannot be opened ends the
// run; what read refuses goes to broken, or ends the run where broken is nil.
func eachFile(flag string, paths []string, read func(name string, data []byte) error, broken func(string, error)) error {
	for _, path := range paths {
		names, err := filesAt(path)
		if err != nil {
			return unreadablef("%s: %v", flag, err)
		}
		for _, name := range names {
			data, err := readFile(name)
			if err != nil {
				return unreadablef("%s: %v", flag, err)
			}
			if err := read(name, data); err != nil {
				if broken == nil {
					return err
				}
				broken(name, err)
			}
		}
	}
	return nil
}

func filesAt(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unopened(path, err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var names []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") && p != path {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		// Links are followed: configuration is often mounted as links to files.
		if info, err := os.Stat(p); err != nil {
			return err
		} else if info.Mode().IsRegular() {
			names = append(names, p)
		}
		return nil
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("the folder %s holds no file", path)
	}
	slices.Sort(names)
	return names, err
}

// readFile reads at most maxInput bytes; "-" is standard input.
// unopened says what the system's word for it means, and what to do.
func unopened(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no such file; check the path", name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: this user may not read the file; change its owner or mode, or run as its owner", name)
	}
	return fmt.Errorf("%s cannot be opened: %w", name, err)
}

func readFile(name string) ([]byte, error) {
	var from io.Reader = os.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, unopened(name, err)
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil && info.IsDir() {
			return nil, fmt.Errorf("%s is a folder; name a file", name)
		}
		from = file
	}
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(from, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if n > maxInput {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, maxInput>>20)
	}
	return buf.Bytes(), nil
}

// newVerifier wires the engine for one run of the command line. Lists are shared through Redis where REDIS_URL is set.
// The function returned releases what was opened.
func (f *questionFlags) newVerifier() (*verifier.Verifier, func(), error) {
	level := slog.LevelWarn
	if f.quiet {
		level = slog.LevelError
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	o := verifier.Options{Now: time.Now, Log: log}
	release := func() {}
	if !f.offline {
		allow, err := parsePrefixes(f.allow)
		if err != nil {
			return nil, nil, usagef("--allow: %v", err)
		}
		web, err := fetch.New(fetch.Options{Allow: allow, Proxy: f.proxy})
		if err != nil {
			return nil, nil, err
		}
		lists := crl.SourceOptions{Fetch: web, Now: time.Now, Log: log}
		closeShared := func() error { return nil }
		if address := os.Getenv("REDIS_URL"); address != "" {
			shared, err := cache.NewRedis(cache.RedisOptions{URL: address})
			if err != nil {
				return nil, nil, usagef("REDIS_URL: %v", err)
			}
			lists.Cache = shared
			closeShared = shared.Close
		}
		// Whoever runs this asks about one file and waits: a missing issuer may be fetched, through the guard.
		source := crl.NewSource(lists)
		release = func() { // first what was fetched is handed on; the answer stands already, so nothing is lost by an error
			_ = errors.Join(source.Close(), closeShared())
		}
		o.Web, o.Lists, o.FetchIssuers = web, source, true
	}
	return verifier.New(o), release, nil
}
