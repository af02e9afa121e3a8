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

	"rastau/internal/evidence"
	"rastau/internal/phrase"
	"rastau/licensing"
	"rastau/verifier"
)

func newLicence() *cobra.Command {
	cmd := &cobra.Command{Use: "licence", Short: "Checks a licence", RunE: needSubcommand, Args: cobra.ArbitraryArgs}
	cmd.AddCommand(newLicenceVerify())
	return cmd
}

// licenceJSON is what is said of one licence: the verdict on the file's signatures, what the register knows, null where not
// asked, and the three answers that follow.
type licenceJSON struct {
	File    string                  `json:"file,omitempty"`
	Verdict *verifier.Report        `json:"verdict"`
	Check   *licensing.LicenceCheck `json:"licence"`
	Answers licensing.Answers       `json:"answers"`
}

func newLicenceVerify() *cobra.Command {
	var f questionFlags
	var config, server, authorities string
	cmd := &cobra.Command{
		Use:   "verify FILE|NUMBER",
		Short: "Is this licence genuine, unchanged and in force",
		Long: `Three answers, each with its reason: is the file intact, is the licence in force today, was it really signed by the licensor.
With a file: judges its signatures, as verify does; with --config the register is asked too. An evidence file (verify --evidence)
is judged from what it holds alone. Without the register say whose keys the licensor's are with --authorities, the dated table of
an installation, or who the licensor must be with --bin, else the answer stays undecided.
With a number: asks the register alone (--config or --server is required).

Exit: 0 genuine, 1 not, 3 not decided, 4 the file or the register cannot be read.`,
		Example: `  rastau licence verify --anchors root.pem --bin 120940948216 licence.pdf
  rastau licence verify --anchors root.pem --authorities authorities.yaml --offline licence.pdf
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
			return verifyLicenceFile(cmd, &f, args[0], licenceSources{config, server, authorities})
		},
	}
	f.register(cmd.Flags(), true)
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE` of an installation on this machine")
	cmd.Flags().StringVar(&authorities, "authorities", "", "dated table of who signs for which licensor, `FILE`, where no register is at hand")
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
	answers := licensing.AnswersOf(nil, nil, check, nil)
	if f.json {
		printJSON(cmd.OutOrStdout(), licenceJSON{Check: check, Answers: answers})
	} else {
		printAnswers(cmd, check.Number, answers, check.Why, lang)
	}
	if !check.Registered || !check.InForce {
		return &exitError{code: exitFailed}
	}
	return nil
}

// licenceSources say where to ask about a licence.
type licenceSources struct{ config, server, authorities string }

func (l licenceSources) table() ([]licensing.Authority, error) {
	if l.authorities == "" {
		return nil, nil
	}
	data, err := readFile(l.authorities)
	if err != nil {
		return nil, unreadablef("--authorities: %v", err)
	}
	table, err := licensing.LoadAuthorities(data)
	if err != nil {
		return nil, unreadablef("--authorities: %v", err)
	}
	return table, nil
}

func verifyLicenceFile(cmd *cobra.Command, f *questionFlags, name string, from licenceSources) error {
	if from.server != "" {
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
	table, err := from.table()
	if err != nil {
		return err
	}
	if evidence.Is(data) {
		file, err := openEvidence(name, data, true)
		if err != nil {
			return err
		}
		data, q = file.Document, f.again(cmd, q, file)
	}
	var a *app
	if from.config != "" {
		if a, err = openApp(cmd, from.config); err != nil {
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
	var check licensing.LicenceCheck
	if a != nil {
		check = a.Service.CheckLicence(cmd.Context(), answer.Verdict, data, "")
		answer.Answers = licensing.AnswersOf(answer.Verdict, data, &check, table)
		if !check.Registered || !check.SameFile || !check.InForce || check.Entitled != nil && !*check.Entitled {
			codes = append(codes, exitFailed)
		}
	} else {
		check = licensing.CheckFile(answer.Verdict, data)
		answer.Answers = licensing.AnswersOf(answer.Verdict, data, nil, table)
		licensor := answer.Answers.FromLicensor.Is
		switch {
		case check.Number == "" || check.Entitled != nil || table != nil && licensor != nil && !*licensor:
			codes = append(codes, exitFailed)
		case f.bin == "" && (licensor == nil || !*licensor):
			codes = append(codes, exitIndeterminate)
		}
	}
	answer.Check = &check
	if f.json {
		printJSON(cmd.OutOrStdout(), answer)
	} else {
		printReport(cmd.OutOrStdout(), answer.Verdict, q.Lang)
		printAnswers(cmd, check.Number, answer.Answers, check.Why, q.Lang)
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

// printAnswers prints the three answers and what follows from them together.
func printAnswers(cmd *cobra.Command, number string, a licensing.Answers, why phrase.Text, lang phrase.Lang) {
	yes := func(is *bool) string {
		switch {
		case is == nil:
			return "not known"
		case *is:
			return "yes"
		}
		return "no"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "licence %s\n", number)
	for _, line := range []struct {
		name string
		licensing.Answer
	}{{"intact", a.Intact}, {"in force today", a.InForce}, {"from the licensor", a.FromLicensor}} {
		fmt.Fprintf(cmd.OutOrStdout(), "  %s: %s. %s\n", line.name, yes(line.Is), line.Why.In(lang))
	}
	fmt.Fprintf(cmd.OutOrStdout(), "  %s\n", why.In(lang))
}
