// Copyright: (c) 2026, platform.ops contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Holds dashboards against Grafana's own schema, as Grafana's SDK carries it: no field it does not know, none of another
// type, in the dashboard, its panels' options and its queries. One line per fault; exit code 1 when there is one.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func faults(raw []byte) error {
	var board dashboard.Dashboard
	if err := board.UnmarshalJSONStrict(raw); err != nil && strings.TrimSpace(err.Error()) != "" {
		return err
	}
	// The SDK returns an error without faults for a dashboard without faults.
	if err := board.Validate(); err != nil && strings.TrimSpace(err.Error()) != "" {
		return err
	}
	return nil
}

func main() {
	plugins.RegisterDefaultPlugins()
	code := 0
	for _, name := range os.Args[1:] {
		raw, err := os.ReadFile(name)
		if err == nil && !json.Valid(raw) {
			err = fmt.Errorf("it is not JSON")
		}
		if err == nil {
			err = faults(raw)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", "; "))
			code = 1
		}
	}
	os.Exit(code)
}
