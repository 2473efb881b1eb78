// Copyright: (c) 2026, platform.ops contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Writes the Helm charts that istioctl carries inside it, from the same package, into a folder.
package main

import (
	"fmt"
	"os"

	"istio.io/istio/manifests"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: istio-charts FOLDER")
		os.Exit(2)
	}
	if err := os.CopyFS(os.Args[1], manifests.FS); err != nil {
		fmt.Fprintf(os.Stderr, "istio-charts: %s\n", err)
		os.Exit(1)
	}
}
