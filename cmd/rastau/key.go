// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"rastau/internal/pki"
	"rastau/signer"
	"rastau/verifier"
)

func newKey() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Says what a signing key is and whether it may sign", RunE: needSubcommand, Args: cobra.ArbitraryArgs}
	cmd.AddCommand(newKeyList(), newKeyCheck())
	return cmd
}

// keyFlags say which keys are meant and where the password or PIN stands; it is never an argument, which everybody on the
// machine can read.
type keyFlags struct {
	passwordFile, passwordEnv string
	module, token, label      string
	certificate               string
	config                    string
}

func (k *keyFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&k.passwordFile, "password-file", "", "file with the password of the PKCS#12 file, or the PIN of the token")
	cmd.Flags().StringVar(&k.passwordEnv, "password-env", "", "environment variable with the password or PIN")
	cmd.Flags().StringVar(&k.token, "token", "", "the `LABEL` of a token that holds the keys, instead of files (builds with the tag pkcs11)")
	cmd.Flags().StringVar(&k.module, "module", "", "the token's PKCS#11 `LIBRARY`")
	cmd.Flags().StringVar(&k.label, "label", "", "only the key with this `LABEL` in the token")
	cmd.Flags().StringVar(&k.certificate, "certificate", "", "`FILE` with the certificate of that key and its issuers', where the token holds none")
	cmd.Flags().StringVar(&k.config, "config", "", "the keys of a service's configuration `FILE` instead")
}

// named is a key with what people call it.
type named struct {
	name string
	*pki.Key
}

// open opens the keys that the flags and arguments name. release logs out of tokens.
func (k *keyFlags) open(files []string) (keys []named, release func(), err error) {
	release = func() {}
	if k.config != "" {
		if len(files) > 0 || k.token != "" || k.passwordFile != "" || k.passwordEnv != "" {
			return nil, release, usagef("--config names the keys and their passwords itself")
		}
		c, err := loadConfig(k.config)
		if err != nil {
			return nil, release, err
		}
		return k.configured(c)
	}
	c := &Config{} // paths count from here
	if k.token != "" {
		if len(files) > 0 || k.module == "" {
			return nil, release, usagef("--token needs --module, the token's PKCS#11 library, and no files")
		}
		if (k.passwordFile == "") == (k.passwordEnv == "") {
			return nil, release, usagef("give the PIN: --password-file or --password-env")
		}
		token := &TokenConfig{Module: k.module, Label: k.token, PINFile: k.passwordFile, PINEnv: k.passwordEnv}
		if k.label != "" {
			c.Keys = []KeyConfig{{Label: k.label, Token: token, Certificate: k.certificate}}
			return k.configured(c)
		}
		return k.listed(c, token)
	}
	if k.label != "" || k.module != "" || k.certificate != "" {
		return nil, release, usagef("--label, --module and --certificate belong to --token")
	}
	if len(files) == 0 {
		return nil, release, usagef("name at least one PKCS#12 file, or --token, or --config")
	}
	if (k.passwordFile == "") == (k.passwordEnv == "") {
		return nil, release, usagef("give --password-file or --password-env")
	}
	for _, f := range files {
		c.Keys = append(c.Keys, KeyConfig{Label: f, File: f, PasswordFile: k.passwordFile, PasswordEnv: k.passwordEnv})
	}
	return k.configured(c)
}

// trust has the keys of a service judged as the service judges them: by its anchors, where none are given, its further certificates, and
// through its network.
func (k *keyFlags) trust(f *questionFlags) error {
	if k.config == "" {
		return nil
	}
	c, err := loadConfig(k.config)
	if err != nil {
		return err
	}
	if len(f.anchors) == 0 {
		f.anchors, f.tsaAnchors = c.paths(c.Anchors), append(c.paths(c.TSAAnchors), f.tsaAnchors...)
	}
	f.certs, f.allow, f.proxy = append(f.certs, c.paths(c.Certificates)...), append(f.allow, c.Allow...), c.Proxy
	return nil
}

func (k *keyFlags) configured(c *Config) (keys []named, release func(), err error) {
	r := &keyring{log: quietLog(), config: c, tokens: map[TokenConfig]*signer.Token{}}
	release = func() { _ = r.Close() } // the answer stands already
	for _, one := range c.keyConfigs() {
		key, err := r.loadOne(c, one)
		if err != nil {
			return nil, release, err
		}
		keys = append(keys, named{one.name(), key})
	}
	return keys, release, nil
}

// listed is every key of a token that has a certificate.
func (k *keyFlags) listed(c *Config, config *TokenConfig) (keys []named, release func(), err error) {
	t, err := signer.OpenToken(signer.TokenOptions{Module: config.Module, Label: config.Label,
		PIN: func() (string, error) { return c.secret("--password-", config.PINFile, config.PINEnv) }})
	if err != nil {
		return nil, func() {}, unreadablef("%v", err)
	}
	release = func() { _ = t.Close() }
	all, err := t.Keys()
	if err != nil {
		return nil, release, unreadablef("%v", err)
	}
	for _, f := range all {
		if f.Key.Certificate != nil {
			keys = append(keys, named{f.Label, f.Key})
		}
	}
	if len(keys) == 0 {
		return nil, release, unreadablef("the token %s holds no key with a certificate", config.Label)
	}
	return keys, release, nil
}

type keyJSON struct {
	File      string  `json:"file"`
	Subject   string  `json:"subject"`
	Issuer    string  `json:"issuer"`
	Serial    string  `json:"serial"`
	IIN       *string `json:"iin"`
	BIN       *string `json:"bin"`
	NotBefore string  `json:"notBefore"`
	NotAfter  string  `json:"notAfter"`
	Algorithm string  `json:"algorithm"`
	MaySign   bool    `json:"maySign"`
	InTime    bool    `json:"inTime"`
	SHA256    string  `json:"sha256"`
}

func describeKey(file string, k *pki.Key) keyJSON {
	c, h := k.Certificate, pki.HolderOf(k.Certificate)
	return keyJSON{File: file, Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.SerialHex(), IIN: optional(h.IIN), BIN: optional(h.BIN),
		NotBefore: c.NotBefore.UTC().Format(time.RFC3339), NotAfter: c.NotAfter.UTC().Format(time.RFC3339), Algorithm: pki.AlgorithmName(c.PublicKey.Algorithm),
		MaySign: maySign(k) == nil, InTime: !time.Now().Before(c.NotBefore) && !time.Now().After(c.NotAfter), SHA256: c.SHA256Hex()}
}

// maySign is the signer's own answer: nil where the certificate is for signing documents and belongs to the key.
func maySign(k *pki.Key) error {
	_, err := signer.NewRing(k)
	return err
}

func (k keyJSON) print(cmd *cobra.Command) {
	show := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	may := "may not sign documents (its certificate is not for that)"
	switch {
	case k.MaySign && k.InTime:
		may = "may sign documents"
	case k.MaySign:
		may = "is outside its validity period: what it signs now nobody accepts"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n  subject   %s\n  issuer    %s\n  serial    %s\n  IIN, BIN  %s, %s\n  valid     %s – %s\n  key       %s\n  sha256    %s\n",
		k.File, may, k.Subject, k.Issuer, k.Serial, show(k.IIN), show(k.BIN), k.NotBefore, k.NotAfter, k.Algorithm, k.SHA256)
}

func newKeyList() *cobra.Command {
	var k keyFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [FILE…]",
		Short: "Lists keys in PKCS#12 files, in a token or of a service, and what each may sign, until when",
		Example: `  rastau key list --password-env LICENSOR_PASSWORD licensor.p12
  rastau key list --module /usr/lib/softhsm/libsofthsm2.so --token RASTAU --password-file pin.txt
  rastau key list --config /etc/rastau/config.yaml`,
		RunE: func(cmd *cobra.Command, files []string) error {
			keys, release, err := k.open(files)
			defer func() { release() }()
			if err != nil {
				return err
			}
			for _, one := range keys {
				if v := describeKey(one.name, one.Key); asJSON {
					printJSON(cmd.OutOrStdout(), v)
				} else {
					v.print(cmd)
				}
			}
			return nil
		},
	}
	k.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func newKeyCheck() *cobra.Command {
	var k keyFlags
	var f questionFlags
	cmd := &cobra.Command{
		Use:   "check [FILE…]",
		Short: "Judges the keys' own certificates as the signer does before it signs: path, validity, revocation, purpose",
		Long: `Judges the keys' own certificates as the signer does before it signs: path, validity, revocation, purpose.
With --config the keys of a service, by its own anchors, further certificates and network; what is given here comes first.`,
		Example: `  rastau key check --password-file pin.txt --anchors root.pem licensor.p12
  rastau key check --config config.yaml
  rastau key check --module /usr/lib/softhsm/libsofthsm2.so --token RASTAU --label licensor-2027 --password-file pin.txt --anchors root.pem`,
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := k.trust(&f); err != nil {
				return err
			}
			q, err := f.question()
			if err != nil {
				return err
			}
			keys, release, err := k.open(files)
			defer func() { release() }()
			if err != nil {
				return err
			}
			v, done, err := f.newVerifier()
			if err != nil {
				return err
			}
			defer done()
			if !cmd.Flags().Changed("purpose") {
				q.Purpose = verifier.PurposeSign
			}
			var codes []int
			for _, one := range keys {
				asked := q
				asked.Certs = slices.Concat(q.Certs, one.Chain)
				r := v.Certificate(cmd.Context(), one.Certificate, asked)
				r.File = one.name
				if f.json {
					printJSON(cmd.OutOrStdout(), r)
				} else {
					describeKey(one.name, one.Key).print(cmd)
					printReport(cmd.OutOrStdout(), r, q.Lang)
				}
				codes = append(codes, exitCode(r.Indication))
			}
			return worst(codes)
		},
	}
	k.register(cmd)
	f.register(cmd.Flags(), false)
	return cmd
}
