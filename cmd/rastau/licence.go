// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rastau/internal/phrase"
	"rastau/licensing"
	"rastau/verifier"
)

func newLicence() *cobra.Command {
	cmd := &cobra.Command{Use: "licence", Short: "Checks a licence", RunE: needSubcommand, Args: cobra.ArbitraryArgs}
	cmd.AddCommand(newLicenceVerify())
	return cmd
}

// licenceJSON is the answer on one licence: the verdict on the file's signatures and the register's three answers, null where not asked.
type licenceJSON struct {
	File    string                  `json:"file,omitempty"`
	Verdict *verifier.Report        `json:"verdict"`
	Check   *licensing.LicenceCheck `json:"licence"`
}

func newLicenceVerify() *cobra.Command {
	var f questionFlags
	var config, server string
	cmd := &cobra.Command{
		Use:   "verify FILE|NUMBER",
		Short: "Is this licence genuine, unchanged and in force",
		Long: `With a file: judges its signatures, as verify does, and who signed; with --config the register is asked too. Without the register
say who the licensor must be with --bin, else the answer stays undecided.
With a number: asks the register alone (--config or --server is required).

Exit: 0 genuine, 1 not, 3 not decided, 4 the file or the register cannot be read.`,
		Example: `  rastau licence verify --anchors root.pem --bin 120940948216 licence.pdf
  rastau licence verify --config config.yaml licence.pdf
  rastau licence verify --server https://licence.example.kz KZ24ZZZ00000001`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if config != "" && server != "" {
				return usagef("give --config or --server, not both")
			}
			if _, err := os.Stat(args[0]); err != nil && looksLikeNumber.MatchString(args[0]) {
				if err := licensing.ParseNumber(args[0]); err != nil {
					return usagef("%s is no licence number, and no file has that name: %v", args[0], err)
				}
				return verifyNumber(cmd, &f, args[0], config, server)
			}
			return verifyLicenceFile(cmd, &f, args[0], config, server)
		},
	}
	f.register(cmd.Flags(), true)
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE` of an installation on this machine")
	cmd.Flags().StringVar(&server, "server", "", "`ADDRESS` of a running service")
	return cmd
}

var looksLikeNumber = regexp.MustCompile(`^KZ[0-9]{2}[A-Z]{3}[0-9]{8}$`)

func verifyNumber(cmd *cobra.Command, f *questionFlags, number, config, server string) error {
	if err := refuseEmpty(cmd.Flags()); err != nil {
		return err
	}
	var odd error
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if !slices.Contains([]string{"config", "server", "json", "lang", "quiet"}, flag.Name) {
			odd = usagef("--%s is about a file; for a number only the register is asked", flag.Name)
		}
	})
	if odd != nil {
		return odd
	}
	lang, ok := phrase.ParseLang(f.lang)
	if !ok {
		return usagef("--lang %q: choose kk, ru or en", f.lang)
	}
	var check *licensing.LicenceCheck
	var err error
	switch {
	case server != "":
		check, err = askServer(cmd, server, number)
	case config != "":
		check, err = askRegister(cmd, config, nil, nil, number)
	default:
		return usagef("a number needs --config or --server: where is the register")
	}
	if err != nil {
		return err
	}
	if f.json {
		printJSON(cmd.OutOrStdout(), licenceJSON{Check: check})
	} else {
		printCheck(cmd, check, lang, true)
	}
	if !check.Registered || !check.InForce {
		return &exitError{code: exitFailed}
	}
	return nil
}

func verifyLicenceFile(cmd *cobra.Command, f *questionFlags, name, config, server string) error {
	if server != "" {
		return usagef("--server takes a number; for a file use --config, or --anchors alone")
	}
	data, err := readFile(name)
	if err != nil {
		return unreadablef("%v", err)
	}
	q, err := f.question()
	if err != nil {
		return err
	}
	var a *app
	if config != "" {
		if a, err = openApp(cmd, config); err != nil {
			return err
		}
		defer a.Close()
		if len(q.Anchors) == 0 {
			if q.Anchors, err = readAnchors("anchors", a.Config.paths(a.Config.Anchors)); err != nil {
				return err
			}
		}
	}
	v, release, err := f.newVerifier()
	if err != nil {
		return err
	}
	defer release()
	if a != nil && !f.offline {
		v = a.Verifier // the installation's own network rules
	}
	answer := licenceJSON{File: name, Verdict: v.Document(cmd.Context(), data, q)}
	answer.Verdict.File = name
	codes := []int{exitCode(answer.Verdict.Indication)}
	if a != nil {
		check := a.Service.CheckLicence(cmd.Context(), answer.Verdict, data, "")
		answer.Check = &check
		if !check.Registered || !check.SameFile || !check.InForce || check.Entitled != nil && !*check.Entitled {
			codes = append(codes, exitFailed)
		}
	} else {
		check := licensing.CheckFile(answer.Verdict, data)
		answer.Check = &check
		switch {
		case check.Number == "" || check.Entitled != nil:
			codes = append(codes, exitFailed)
		case f.bin == "":
			codes = append(codes, exitIndeterminate)
		}
	}
	if f.json {
		printJSON(cmd.OutOrStdout(), answer)
	} else {
		printReport(cmd.OutOrStdout(), answer.Verdict, q.Lang)
		printCheck(cmd, answer.Check, q.Lang, a != nil)
	}
	return worst(codes)
}

func openApp(cmd *cobra.Command, config string) (*app, error) {
	c, err := loadConfig(config)
	if err != nil {
		return nil, err
	}
	return newApp(cmd.Context(), c, appOptions{Log: quietLog()})
}

func askRegister(cmd *cobra.Command, config string, r *verifier.Report, file []byte, number string) (*licensing.LicenceCheck, error) {
	a, err := openApp(cmd, config)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	check := a.Service.CheckLicence(cmd.Context(), r, file, number)
	return &check, nil
}

// askServer reads the public page of a number as JSON. The address is the operator's own word, not one found in a certificate:
// the plain client asks it.
func askServer(cmd *cobra.Command, server, number string) (*licensing.LicenceCheck, error) {
	req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, strings.TrimSuffix(server, "/")+"/v/"+number, nil)
	if err != nil {
		return nil, usagef("--server: %v", err)
	}
	req.Header.Set("Accept", "application/json")
	client := &http.Client{Timeout: 30 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return nil, unreadablef("%v", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNotFound {
		return nil, unreadablef("%s answers %s", server, res.Status)
	}
	var check licensing.LicenceCheck
	if res.StatusCode == http.StatusNotFound {
		check.Number = number
		return &check, nil
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, res.Body, 1<<20)).Decode(&check); err != nil {
		return nil, unreadablef("%s does not answer as a register: %v", server, err)
	}
	return &check, nil
}

// printCheck prints the register's answers, or where it was not asked what the file alone tells.
func printCheck(cmd *cobra.Command, c *licensing.LicenceCheck, lang phrase.Lang, register bool) {
	if !register {
		fmt.Fprintf(cmd.OutOrStdout(), "licence %s\n  %s\n", c.Number, c.Why.In(lang))
		return
	}
	yes := map[bool]string{true: "yes", false: "no"}
	entitled := "not asked"
	if c.Entitled != nil {
		entitled = yes[*c.Entitled]
	}
	fmt.Fprintf(cmd.OutOrStdout(), "licence %s\n  in the register: %s\n  this very file: %s\n  in force: %s %s\n  signed by someone entitled: %s\n  %s\n",
		c.Number, yes[c.Registered], yes[c.SameFile], yes[c.InForce], c.State, entitled, c.Why.In(lang))
}
