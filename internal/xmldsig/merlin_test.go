// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rastau/internal/pki"
)

// The vectors of the IETF and W3C interoperability tests, as the Debian source package of xmlsec1 ships them in its folder
// tests. None that holds may be called broken, none that is broken may be called whole; what is refused is refused for what
// it uses, not for what it says.
func TestInteroperabilityVectors(t *testing.T) {
	dir := os.Getenv("RASTAU_XMLSEC_TESTS")
	if dir == "" {
		t.Skip("the vectors are no part of this program; set RASTAU_XMLSEC_TESTS to the folder tests of xmlsec1's source (apt-get source xmlsec1)")
	}
	counts := map[string]int{}
	for _, folder := range []string{"merlin-xmldsig-twenty-three", "merlin-c14n-three", "merlin-exc-c14n-one", "phaos-xmldsig-three", "aleksey-xmldsig-01", "xmldsig2ed-tests"} {
		err := filepath.WalkDir(filepath.Join(dir, folder), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || filepath.Ext(path) != ".xml" {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name := filepath.Join(folder, filepath.Base(path))
			// The one of the "bug" has a value that is shorter than XMLDSig 1.1 §6.4.3 wants.
			bad := strings.Contains(name, "bad-digest") || strings.Contains(name, "bad-sig") || strings.Contains(name, "java-bug")
			d, err := Parse(data, Limits{})
			if err != nil {
				counts["unsafe"]++
				if !errors.Is(err, ErrUnsafe) {
					t.Errorf("%s: %v", name, err)
				}
				return nil
			}
			for _, s := range d.Signatures() {
				outcome := outcomeOf(s)
				counts[outcome]++
				t.Logf("%s: %s", name, outcome)
				switch {
				case outcome == "broken" && !bad:
					c := s.Verify(s.Certificate(nil))
					t.Errorf("%s: broken: %+v, problem %v", name, c, s.Problem)
				case outcome == "whole" && bad:
					t.Errorf("%s: whole", name)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%v", counts)
	if counts["whole"] < 10 {
		t.Errorf("only %d signatures are whole", counts["whole"])
	}
}

// outcomeOf is whole, broken, or the reason why a signature was not computed; "digests" where they hold and nobody's
// certificate is there for the value.
func outcomeOf(s *Signature) string {
	c := s.Verify(s.Certificate(nil))
	for _, err := range append(append([]error{s.Problem, c.Algorithm}, c.Digests...), c.Value) {
		switch {
		case err == nil:
		case errors.Is(err, ErrSymmetric):
			return "keyed hash"
		case errors.Is(err, ErrTransform):
			return "transform"
		case errors.Is(err, ErrExternal):
			return "external"
		case errors.Is(err, pki.ErrUnsupported):
			return "algorithm"
		case errors.Is(err, ErrNoCertificate):
			return "digests"
		default:
			return "broken"
		}
	}
	return "whole"
}
