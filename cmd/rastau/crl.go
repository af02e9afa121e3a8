// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"rastau/crl"
	"rastau/internal/fetch"
	"rastau/internal/pki"
)

// listTime bounds a download here, whole.
const listTime = 30 * time.Minute

func newCRL() *cobra.Command {
	cmd := &cobra.Command{Use: "crl", Short: "Shows, measures and fetches certificate revocation lists", RunE: needSubcommand, Args: cobra.ArbitraryArgs}
	cmd.AddCommand(newCRLShow(), newCRLIndex(), newCRLFetch())
	return cmd
}

// loading is how a list is read.
type loading struct {
	allow    []string  // networks that may be asked although they are special ones
	proxy    string    // address, "" for none
	copied   io.Writer // also gets what is read; nil for nobody
	nameless bool      // nobody wants the list's digest
}

// flags registers those that say how a list is fetched.
func (o *loading) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.allow, "allow", nil, "network that may be asked although it is a special one, for example 10.0.0.0/8 (repeatable)")
	f.StringVar(&o.proxy, "proxy", "", "address of a proxy (http, https, socks5) for an URL")
}

// loadList reads a list from a file, standard input (-) or an http(s) address, as it comes in. What is read goes to copied
// too, which may be nil.
func loadList(cmd *cobra.Command, what, from string, o loading) (*crl.List, error) {
	in, size, err := openList(cmd, from, o)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	watched, done := watch(cmd, what+" "+from, in, size)
	defer done()
	if o.copied != nil {
		watched = io.TeeReader(watched, o.copied)
	}
	head := bufio.NewReader(watched)
	begin, headErr := head.Peek(listHead)
	list, err := crl.Read(cmd.Context(), head, crl.Limits{Nameless: o.nameless})
	switch {
	case errors.Is(err, crl.ErrMalformed) && len(begin) == 0 && errors.Is(headErr, io.EOF):
		return nil, &exitError{code: exitFailed, message: fmt.Sprintf("%s is empty: there is no revocation list in it; fetch it again", from)}
	case errors.Is(err, crl.ErrMalformed) && markup(begin):
		return nil, &exitError{code: exitFailed, message: fmt.Sprintf("%s is a page for people (HTML or XML), no revocation list: "+
			"servers answer so for an address that has moved, and proxies for one that they do not let through; check the address", from)}
	case errors.Is(err, crl.ErrMalformed) || errors.Is(err, crl.ErrTooLarge):
		return nil, &exitError{code: exitFailed, message: fmt.Sprintf("%s is no usable revocation list: %v", from, err)}
	case err != nil:
		return nil, unreadablef("%v", err)
	}
	return list, nil
}

// listHead is how much of a file tells what else than a list it is.
const listHead = 64

// markup says whether a file begins as HTML or XML does.
func markup(begin []byte) bool {
	begin = bytes.TrimLeft(bytes.TrimPrefix(begin, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(begin) > 1 && begin[0] == '<' && (begin[1] == '!' || begin[1] == '?' || begin[1]|0x20 >= 'a' && begin[1]|0x20 <= 'z')
}

// openList gives the octets of a list and how many there will be, -1 where nobody says.
func openList(cmd *cobra.Command, from string, o loading) (io.ReadCloser, int64, error) {
	if from == "-" {
		return io.NopCloser(os.Stdin), -1, nil
	}
	if !strings.HasPrefix(from, "http://") && !strings.HasPrefix(from, "https://") {
		if strings.Contains(from, "://") {
			return nil, 0, usagef("%s: lists are fetched by http and https alone", from)
		}
		f, err := os.Open(from)
		if err != nil {
			return nil, 0, unreadablef("%v", err)
		}
		info, err := f.Stat()
		if err == nil && info.IsDir() {
			err = fmt.Errorf("%s is a folder; name a file", from)
		}
		if err != nil {
			_ = f.Close()
			return nil, 0, unreadablef("%v", err)
		}
		if !info.Mode().IsRegular() {
			return f, -1, nil
		}
		return f, info.Size(), nil
	}
	prefixes, err := parsePrefixes(o.allow)
	if err != nil {
		return nil, 0, usagef("--allow: %v", err)
	}
	web, err := fetch.New(fetch.Options{Allow: prefixes, Proxy: o.proxy})
	if err != nil {
		return nil, 0, usagef("%v", err)
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), listTime)
	answer, err := web.Open(ctx, from, fetch.Ask{Max: maxDownload})
	if err != nil {
		cancel()
		return nil, 0, unreadablef("%v", err)
	}
	return &cancelled{answer.Body, cancel}, answer.Size, nil
}

// maxDownload bounds a list that is fetched here, in bytes.
const maxDownload = 1 << 30

// cancelled ends its context when it is closed.
type cancelled struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c *cancelled) Close() error {
	err := c.ReadCloser.Close()
	c.cancel()
	return err
}

// progress shows a spinner on a terminal and one plain line elsewhere, both on stderr; the function returned ends it.
func progress(cmd *cobra.Command, what string) func() {
	if quiet, err := cmd.Flags().GetBool("quiet"); err == nil && quiet {
		return func() {}
	}
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		start := time.Now()
		return func() {
			if d := time.Since(start); d > time.Second {
				fmt.Fprintf(os.Stderr, "%s: %.1f s\n", what, d.Seconds())
			}
		}
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionClearOnFinish(), progressbar.OptionSpinnerType(14), progressbar.OptionEnableColorCodes(os.Getenv("NO_COLOR") == ""))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				_ = bar.Add(1) // a spinner that cannot be drawn harms nothing
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		_ = bar.Finish()
	}
}

// watch shows on a terminal how many of size octets (-1: nobody knows) were read from in, elsewhere one plain line for
// work over a second, both on stderr. The function returned ends it.
func watch(cmd *cobra.Command, what string, in io.Reader, size int64) (io.Reader, func()) {
	if quiet, err := cmd.Flags().GetBool("quiet"); err == nil && quiet {
		return in, func() {}
	}
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		start := time.Now()
		return in, func() {
			if d := time.Since(start); d > time.Second {
				fmt.Fprintf(os.Stderr, "%s: %.1f s\n", what, d.Seconds())
			}
		}
	}
	bar := progressbar.NewOptions64(size, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSpinnerType(14), progressbar.OptionEnableColorCodes(os.Getenv("NO_COLOR") == ""))
	reader := progressbar.NewReader(in, bar)
	return &reader, func() { _ = bar.Finish() } // a bar that cannot be drawn harms nothing
}

type listJSON struct {
	File       string  `json:"file"`
	Issuer     string  `json:"issuer"`
	Number     *string `json:"number"`
	Delta      bool    `json:"delta"`
	ThisUpdate *string `json:"thisUpdate"`
	NextUpdate *string `json:"nextUpdate"`
	// At the time of the clock: seconds since thisUpdate, whether nextUpdate is to come, when a service asks for the next list.
	AgeSeconds  int64   `json:"ageSeconds"`
	Current     bool    `json:"current"`
	NextRefresh *string `json:"nextRefresh"`

	Algorithm string     `json:"algorithm"`
	Entries   int        `json:"entries"`
	SHA256    string     `json:"sha256"`
	Signature *bool      `json:"signatureValid"`
	Note      *string    `json:"note"`
	Entry     *entryJSON `json:"entry,omitempty"`
}

type entryJSON struct {
	Serial string  `json:"serial"`
	Listed bool    `json:"listed"`
	Date   *string `json:"date"`
	Reason *string `json:"reason"`
}

// checkList verifies a list's signature with the issuer's certificate; nil where the algorithm is not supported.
func checkList(list *crl.List, issuer *pki.Certificate) (valid *bool, note string) {
	if issuer == nil {
		return nil, "give --issuer to check the signature"
	}
	yes, no := true, false
	if !list.Issuer.Equal(issuer.Subject) {
		return &no, "the list names another issuer: " + list.Issuer.String()
	}
	err := list.VerifySignature(&issuer.PublicKey)
	switch {
	case err == nil:
		return &yes, ""
	case errors.Is(err, pki.ErrUnsupported):
		return nil, err.Error()
	}
	return &no, err.Error()
}

func newCRLShow() *cobra.Command {
	var issuer, serial string
	var from loading
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show FILE|URL",
		Short: "Shows a list, and whether a serial number stands on it",
		Example: `  rastau crl show --issuer ca.crt ca.crl
  rastau crl show --serial 0a1b2c ca.crl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := loadList(cmd, "reading", args[0], from)
			if err != nil {
				return listError(cmd, asJSON, args[0], err)
			}
			now := time.Now()
			view := listJSON{AgeSeconds: int64(now.Sub(list.ThisUpdate).Seconds()), Current: list.NextUpdate.IsZero() || now.Before(list.NextUpdate),
				NextRefresh: timeText(list.NextRefresh()), File: args[0], Issuer: list.Issuer.String(), Delta: list.BaseNumber != nil, ThisUpdate: timeText(list.ThisUpdate),
				NextUpdate: timeText(list.NextUpdate), Algorithm: pki.AlgorithmName(list.Algorithm), Entries: list.Entries, SHA256: fmt.Sprintf("%x", list.SHA256())}
			if list.Number != nil {
				view.Number = optional(list.Number.String())
			}
			if issuer != "" {
				c, err := oneCertificate("--issuer", issuer)
				if err != nil {
					return err
				}
				var note string
				view.Signature, note = checkList(list, c)
				view.Note = optional(note)
			}
			if cmd.Flags().Changed("serial") {
				n, ok := new(big.Int).SetString(strings.ReplaceAll(strings.TrimPrefix(serial, "0x"), ":", ""), 16)
				if !ok {
					return usagef("--serial %q is no hexadecimal number", serial)
				}
				view.Entry = &entryJSON{Serial: fmt.Sprintf("%x", n)}
				e, found, err := list.Lookup(list.Issuer, n)
				if err != nil {
					return err
				}
				if found {
					view.Entry.Listed, view.Entry.Date, view.Entry.Reason = true, timeText(e.Date), reasonName(e.Reason)
				}
			}
			if asJSON {
				printJSON(cmd.OutOrStdout(), view)
			} else {
				printList(cmd.OutOrStdout(), view)
			}
			if view.Signature != nil && !*view.Signature {
				return &exitError{code: exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&issuer, "issuer", "", "certificate of the issuer: its key checks the list's signature")
	cmd.Flags().StringVar(&serial, "serial", "", "look for this serial number (hexadecimal)")
	from.flags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().Bool("quiet", false, "no progress on stderr")
	return cmd
}

func printList(w io.Writer, v listJSON) {
	show := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	state := "current"
	if !v.Current {
		state = "ENDED: it proves nothing any more"
	}
	fmt.Fprintf(w, "%s\n  issuer      %s\n  number      %s\n  thisUpdate  %s\n  nextUpdate  %s\n  state       %s, %s old, next refresh %s\n  algorithm   %s\n  entries     %d\n  sha256      %s\n",
		v.File, v.Issuer, show(v.Number), show(v.ThisUpdate), show(v.NextUpdate), state, time.Duration(v.AgeSeconds)*time.Second, show(v.NextRefresh), v.Algorithm, v.Entries, v.SHA256)
	if v.Delta {
		fmt.Fprintln(w, "  a delta list: it counts only together with its complete list")
	}
	if v.Signature != nil {
		fmt.Fprintf(w, "  signature   %v\n", *v.Signature)
	}
	if v.Note != nil {
		fmt.Fprintf(w, "  note        %s\n", *v.Note)
	}
	if v.Entry != nil {
		if v.Entry.Listed {
			fmt.Fprintf(w, "  %s is listed: revoked %s, reason %s\n", v.Entry.Serial, show(v.Entry.Date), show(v.Entry.Reason))
		} else {
			fmt.Fprintf(w, "  %s is not listed\n", v.Entry.Serial)
		}
	}
}

func newCRLIndex() *cobra.Command {
	var issuer string
	var from loading
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "index FILE|URL",
		Short:   "Reads, checks and indexes a list, and says what that cost",
		Example: `  rastau crl index --issuer ca.crt ca.crl`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := optionalIssuer(cmd, issuer)
			if err != nil {
				return err
			}
			start := time.Now()
			from.nameless = true
			list, err := loadList(cmd, "indexing", args[0], from)
			if err != nil {
				return listError(cmd, asJSON, args[0], err)
			}
			valid, note := checkList(list, c)
			seconds := time.Since(start).Seconds()
			perEntry := 0.0
			if list.Entries > 0 {
				perEntry = float64(list.IndexBytes()) / float64(list.Entries)
			}
			if asJSON {
				printJSON(cmd.OutOrStdout(), struct {
					Entries        int     `json:"entries"`
					BytesPerEntry  float64 `json:"bytesPerEntry"`
					Seconds        float64 `json:"seconds"`
					SignatureValid *bool   `json:"signatureValid"`
					Note           *string `json:"note"`
				}{list.Entries, perEntry, seconds, valid, optional(note)})
			} else {
				verdict := "not checked: " + note
				if valid != nil {
					verdict = map[bool]string{true: "valid", false: "NOT valid: " + note}[*valid]
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d entries, %.1f bytes an entry, %.3f s, signature %s\n", list.Entries, perEntry, seconds, verdict)
			}
			switch {
			case c != nil && valid == nil:
				return &exitError{code: exitIndeterminate}
			case valid != nil && !*valid:
				return &exitError{code: exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&issuer, "issuer", "", "certificate of the list's issuer: its key checks the list's signature")
	from.flags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: entries, bytesPerEntry, seconds, signatureValid")
	cmd.Flags().Bool("quiet", false, "no progress on stderr")
	return cmd
}

// optionalIssuer reads the certificate that checks a list's signature; nil where none is given.
func optionalIssuer(cmd *cobra.Command, name string) (*pki.Certificate, error) {
	if err := refuseEmpty(cmd.Flags()); err != nil || name == "" {
		return nil, err
	}
	return oneCertificate("--issuer", name)
}

// listError says as JSON too what kept a list from being read.
func listError(cmd *cobra.Command, asJSON bool, name string, err error) error {
	if asJSON {
		printJSON(cmd.OutOrStdout(), map[string]string{"file": name, "error": err.Error()})
	}
	return err
}

// settleFile makes a file written beside its place the one of that name, readable like any other.
func settleFile(part *os.File, name string) error {
	err := part.Chmod(0o644)
	if err == nil {
		err = part.Sync()
	}
	if err == nil {
		err = part.Close()
	}
	if err == nil {
		err = os.Rename(part.Name(), name)
	}
	if err != nil {
		return unreadablef("%v", err)
	}
	return nil
}

// lookAt fetches a list and says what it is, without keeping it.
func lookAt(cmd *cobra.Command, url string, from loading, issuer *pki.Certificate) error {
	list, err := loadList(cmd, "fetching", url, from)
	if err != nil {
		return err
	}
	valid, note := checkList(list, issuer)
	if valid != nil && !*valid {
		return &exitError{code: exitFailed, message: "the list is not genuine: " + note}
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d entries, next update %s; not written: give --out\n", url, list.Entries, list.NextUpdate.UTC().Format(time.RFC3339))
	return err
}

func newCRLFetch() *cobra.Command {
	var issuer, out string
	var from loading
	cmd := &cobra.Command{
		Use:     "fetch URL",
		Short:   "Fetches a list, checks it and writes it to a file",
		Long:    "Fetches a list and says what it is. With --out it is written to a file, and then only when its signature holds under --issuer.",
		Example: `  rastau crl fetch --issuer ca.crt --out ca.crl http://ca.example/ca.crl`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := optionalIssuer(cmd, issuer)
			if err != nil {
				return err
			}
			if out == "" {
				return lookAt(cmd, args[0], from, c)
			}
			if c == nil {
				return usagef("--out needs --issuer: a list is written only when its signature holds")
			}
			// Written beside and renamed, so that a crash leaves the old list or the new one, never half of one.
			part, err := os.CreateTemp(filepath.Dir(out), filepath.Base(out)+".*.part")
			if err != nil {
				var path *fs.PathError
				if errors.As(err, &path) { // of the file beside, which nobody asked for
					err = path.Err
				}
				return unreadablef("cannot write %s: %v", out, err)
			}
			from.copied = part
			list, err := loadList(cmd, "fetching", args[0], from)
			if valid, note := (*bool)(nil), ""; err == nil {
				if valid, note = checkList(list, c); valid == nil || !*valid {
					err = &exitError{code: exitFailed, message: "the list is not written: " + note}
				}
			}
			if err == nil {
				err = settleFile(part, out)
			}
			if err != nil {
				_ = part.Close()
				_ = os.Remove(part.Name())
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d entries, next update %s\n", out, list.Entries, list.NextUpdate.UTC().Format(time.RFC3339))
			return nil
		},
	}
	cmd.Flags().StringVar(&issuer, "issuer", "", "certificate of the list's issuer")
	cmd.Flags().StringVar(&out, "out", "", "file to write")
	from.flags(cmd.Flags())
	cmd.Flags().Bool("quiet", false, "no progress on stderr")
	return cmd
}
