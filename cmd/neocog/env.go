package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"
	"github.com/spf13/cobra"

	"neocog/internal/cpu"
	"neocog/ops/conv"
)

// environment is what a report of a bug or of a measurement should carry.
type environment struct {
	versionInfo
	CPU        string   `json:"cpu"`
	Cores      int      `json:"cores"`      // that the process may use
	GoMaxProcs int      `json:"gomaxprocs"` // that Go does use: the default of --threads
	Features   []string `json:"features"`
	// Caches are in bytes, of one core; see cpu.Caches for what is assumed where the system does not say.
	Caches struct {
		L1D  int `json:"l1d"`
		L2   int `json:"l2"`
		L3   int `json:"l3"` // 0 where there is none
		Line int `json:"line"`
	} `json:"caches"`
	ISA       string     `json:"isa"`  // of the kernels: the best that the processor has, or what NEOCOG_ISA says
	Conv      []string   `json:"conv"` // algorithms, in the order in which they are asked
	Data      string     `json:"data"` // folder of --data, "" for the embedded digits
	Runs      folderInfo `json:"runs"`
	Variables []string   `json:"variables"` // NEOCOG_* and what else decides, as NAME=value
}

type folderInfo struct {
	Path  string `json:"path"`
	State string `json:"state"` // "exists", "will be made", or what is wrong
}

// features are those which numerical kernels ask for, of amd64 and arm64.
var features = []cpuid.FeatureID{
	cpuid.SSE2, cpuid.SSE42, cpuid.AVX, cpuid.F16C, cpuid.FMA3, cpuid.AVX2,
	cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL, cpuid.AVX512VNNI, cpuid.AVX512BF16, cpuid.AVX512FP16,
	cpuid.AVXVNNI, cpuid.AMXTILE, cpuid.AMXBF16, cpuid.AMXINT8,
	cpuid.ASIMD, cpuid.ASIMDHP, cpuid.ASIMDDP, cpuid.SVE,
}

// variables decide how Neocog and Go run, besides those of flags.
var variables = []string{"NEOCOG_ISA", "NEOCOG_DATA", "NEOCOG_RUNS", "NEOCOG_THREADS", "GOMAXPROCS", "GOGC", "GOMEMLIMIT", "NO_COLOR", "CLICOLOR_FORCE"}

func inspectEnvironment() environment {
	processor := cpuid.CPU
	e := environment{
		versionInfo: version(), CPU: processor.BrandName, Cores: runtime.NumCPU(), GoMaxProcs: runtime.GOMAXPROCS(0),
		Features: []string{}, ISA: cpu.Current().String(), Conv: conv.Default().Names(),
		Data: os.Getenv("NEOCOG_DATA"), Runs: inspectRuns(defaultRuns()), Variables: []string{},
	}
	for _, f := range features {
		if processor.Supports(f) {
			e.Features = append(e.Features, f.String())
		}
	}
	caches := cpu.DataCaches()
	e.Caches.L1D, e.Caches.L2, e.Caches.L3, e.Caches.Line = caches.L1D, caches.L2, caches.L3, caches.Line
	for _, name := range variables {
		if v, ok := os.LookupEnv(name); ok {
			e.Variables = append(e.Variables, name+"="+v)
		}
	}
	return e
}

// defaultRuns is where run folders are made without --runs.
func defaultRuns() string {
	if dir := os.Getenv("NEOCOG_RUNS"); dir != "" {
		return dir
	}
	return "runs"
}

func inspectRuns(dir string) folderInfo {
	f := folderInfo{Path: dir}
	if abs, err := filepath.Abs(dir); err == nil {
		f.Path = abs
	}
	switch info, err := os.Stat(dir); {
	case os.IsNotExist(err):
		f.State = "will be made"
	case err != nil:
		f.State = err.Error()
	case !info.IsDir():
		f.State = "is a file, want a folder"
	default:
		f.State = "exists"
	}
	return f
}

func (a *app) envCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print the machine and what Neocog makes of it",
		Long:  "Print version, processor, threads, algorithms and folders: what a report of a bug or of a measurement should carry.",
		Example: `neocog env
neocog env --json`,
		Args: wants(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			e := inspectEnvironment()
			if a.json {
				return a.emit(e)
			}
			e.print(a)
			return nil
		},
	}
}

func (e environment) print(a *app) {
	data := e.Data
	if data == "" {
		data = "the embedded digits (--data or NEOCOG_DATA chooses)"
	}
	cache := func(n int) string {
		if n == 0 {
			return "none"
		}
		return byteSize(n)
	}
	processor := e.CPU
	if processor == "" {
		processor = "unknown"
	}
	fields(a.stdout, a.out,
		[2]string{"neocog", e.versionInfo.String()},
		[2]string{"go", fmt.Sprintf("%s, %s/%s", e.Go, e.OS, e.Arch)},
		[2]string{"processor", processor},
		[2]string{"caches", fmt.Sprintf("L1 data %s, L2 %s, L3 %s, lines of %s", cache(e.Caches.L1D), cache(e.Caches.L2), cache(e.Caches.L3), byteSize(e.Caches.Line))},
		[2]string{"features", strings.Join(e.Features, " ")},
		[2]string{"instructions", e.ISA + " (NEOCOG_ISA=portable, avx2 or avx512 chooses)"},
		[2]string{"threads", fmt.Sprintf("%d of %s (--threads or GOMAXPROCS chooses; results are the same)", e.GoMaxProcs, plural(e.Cores, "core"))},
		[2]string{"convolution", strings.Join(e.Conv, ", then ")},
		[2]string{"data", data},
		[2]string{"runs", fmt.Sprintf("%s (%s)", e.Runs.Path, e.Runs.State)},
		[2]string{"variables", strings.Join(e.Variables, " ")},
	)
}
