package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"neocog/data"
	"neocog/models"
	"neocog/train"
)

// trainOptions are the flags of train that are not part of the configuration.
type trainOptions struct {
	file, runs, name string
	resume           string // a run folder
	conv             convFlags
}

func (a *app) trainCommand() *cobra.Command {
	cfg := train.DefaultConfig("lenet5")
	var o trainOptions
	cmd := &cobra.Command{
		Use:   "train [MODEL]",
		Short: "Train a model, LeNet-5 on the embedded digits by default",
		Long: `Train a model and keep it in a run folder. Without arguments it is LeNet-5, on digits drawn from fonts that are part
of the program. What is not given comes from --config, else from what suits the model. The same configuration gives
the same weights, to the last bit, for any number of threads.

An interrupt (Ctrl-C) saves a checkpoint and ends; a second one ends at once. --resume goes on from the last checkpoint of
a run, after an interrupt, a crash or a full disk, to the weights that it would have had without.`,
		Example: `neocog train
neocog train --data mnist --epochs 5            a folder with MNIST, Fashion-MNIST or CIFAR-10
neocog train convnetjs-cifar10 --data cifar-10 --optimizer adam --lr 0.001
neocog train resnet20-cifar10 --data cifar-10 --augment cifar --schedule multi-step:0.1,82,123
neocog train --config run.yaml --seed 2         as a file says, but for the seed
neocog train --resume runs/NAME                 go on where a run ended
neocog train --json --quiet > metrics.jsonl     an object for each epoch, the result last`,
		Args:              wants(0, 1, "at most one MODEL"),
		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(cmd.Flags(), "resume", "config", "runs", "data"); err != nil {
				return err
			}
			if o.resume != "" {
				change, err := resumption(&cfg, args, cmd.Flags())
				if err != nil {
					return err
				}
				return a.resume(cmd.Context(), o.resume, change)
			}
			if err := configure(&cfg, args, o, cmd.Flags()); err != nil {
				return err
			}
			return a.train(cmd.Context(), cfg, o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&cfg.Data, "data", cfg.Data, "`FOLDER` with MNIST, Fashion-MNIST or CIFAR-10, or with images in\ntrain/CLASS/ and test/CLASS/; or a pack, csv:FILE, digits")
	f.IntVar(&cfg.ImageSize, "image-size", 0, "side of the images of such a folder; 0 is the model's, for --augment to cut from more")
	f.StringVar(&cfg.Input, "input", "", "build the model for images of `CxHxW`, as 1x64x64; its own by default")
	f.IntVar(&cfg.Classes, "classes", 0, "give the model a new last layer for so many classes; 0 is the model's own")
	f.IntVar(&cfg.TrainImages, "train-images", 0, "train on so many images only; 0 is all, of the digits 10,000")
	f.IntVar(&cfg.TestImages, "test-images", 0, "test on so many images only; 0 is all, of the digits 2,000")
	f.IntVar(&cfg.Validation, "validation", 0, "hold out so many training images, drawn by --seed, and test on these")
	f.StringVar(&cfg.Augment, "augment", cfg.Augment, "change the training images, `STEPS` joined by +: cifar is crop:4+flip;\n'neocog data show' has the list and shows what they do")
	f.StringVar(&cfg.Views, "views", cfg.Views, "average predictions over `VIEWS` of each image: mirror, ten-crops:SIZE,\nfive-scales:SIZE")
	f.IntVar(&cfg.Epochs, "epochs", cfg.Epochs, "times that every image is seen")
	f.IntVar(&cfg.Batch, "batch", cfg.Batch, "images in a step")
	f.StringVar(&cfg.Optimizer, "optimizer", cfg.Optimizer, "`RULE`: "+strings.Join(optimizers(), ", "))
	f.Float64Var(&cfg.LR, "lr", cfg.LR, "learning rate")
	f.StringVar(&cfg.Schedule, "schedule", cfg.Schedule, "`SCHEDULE` of the learning rate, by epochs: constant, step:30,0.1,\nmulti-step:0.1,82,123, exponential:0.95, inverse:0.1, cosine[:WARMUP],\none-cycle[:RISE,START,END], restarts:CYCLES, plateau[:EPOCHS,DIVISOR],\nwarmup:5+SCHEDULE")
	f.Float64Var(&cfg.Momentum, "momentum", cfg.Momentum, "of momentum, nesterov and lars; 0 is the usual 0.9")
	f.Float64Var(&cfg.WeightDecay, "weight-decay", cfg.WeightDecay, "L2 on weights; decoupled for adamw")
	f.StringVar(&cfg.Groups, "groups", cfg.Groups, "own rates and decays by parameter name, `PATTERN=RATE[,DECAY];...`:\n\"conv1/*=0; fc*=10\" freezes one layer and speeds up others")
	f.Float64Var(&cfg.ClipNorm, "clip-norm", cfg.ClipNorm, "most that the norm of all gradients may be; 0 is no limit")
	f.Float64Var(&cfg.ClipValue, "clip-value", cfg.ClipValue, "most that an element of a gradient may be; 0 is no limit")
	f.IntVar(&cfg.Lookahead, "lookahead", cfg.Lookahead, "go halfway back after so many steps; 0 is never, 5 usual")
	f.Float64Var(&cfg.Average, "average", cfg.Average, "evaluate and keep a running mean of the weights, as 0.999; 0 is off")
	f.IntVar(&cfg.MicroBatch, "micro-batch", cfg.MicroBatch, "images computed at a time, to save memory; 0 is the whole batch")
	f.Float64Var(&cfg.Explode, "explode", cfg.Explode, "stop when the cost is above so many times the original; 0 is never")
	f.Float64Var(&cfg.Smoothing, "smoothing", cfg.Smoothing, "of the labels")
	f.StringVar(&cfg.Init, "init", cfg.Init, "`METHOD` by which weights start: he, xavier, lecun, orthogonal, normal:0.01;\nthe model's own by default")
	f.StringVar(&cfg.Normalize, "normalize", cfg.Normalize, "`METHOD` for the images: mean-std, imagenet, pixel-mean, mean, none")
	f.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "decides weights, order and digits")
	f.IntVar(&cfg.Threads, "threads", cfg.Threads, "0 is GOMAXPROCS; changes no result")
	f.IntVar(&cfg.Workers, "workers", cfg.Workers, "prepare the next batches in so many goroutines; changes no result")
	o.conv.add(cmd, f)
	f.IntVar(&cfg.Patience, "patience", cfg.Patience, "end when so many epochs were no better than the best; 0 is never")
	f.StringVar(&cfg.Checkpoint, "checkpoint", "10m", "save a checkpoint after each epoch and every `INTERVAL`: a time as 10m, or steps\nas 500; epoch is not within epochs, none is never")
	f.IntVar(&cfg.Keep, "keep", 2, "checkpoints that are kept, the last ones")
	f.BoolVar(&cfg.TensorBoard, "tensorboard", false, "write the metrics for TensorBoard, too, into the run's folder")
	f.StringVar(&o.resume, "resume", "", "go on with the `RUN`, a run folder; besides it: --"+strings.Join(train.Resumable(), ", --"))
	f.StringVar(&o.file, "config", "", "`FILE` of YAML, such as the config.yaml of a run")
	f.StringVar(&o.runs, "runs", train.Runs, "`FOLDER` in which the run's folder is made")
	f.StringVar(&o.name, "name", "", "`NAME` of the run's folder, NAME-2 and so on if there is one; time and model by default")
	return cmd
}

func optimizers() []string {
	var names []string
	for _, o := range train.Optimizers() {
		names = append(names, o.Name())
	}
	return names
}

// configure completes cfg, which holds the flags: those given go before the file, which goes before the defaults
// of the model.
func configure(cfg *train.Config, args []string, o trainOptions, flags *pflag.FlagSet) error {
	given := map[*pflag.Flag]string{}
	flags.VisitAll(func(f *pflag.Flag) { // Visit leaves out those from the environment
		if f.Changed {
			given[f] = f.Value.String()
		}
	})
	if o.file != "" {
		text, err := os.ReadFile(o.file)
		if err != nil {
			return fmt.Errorf("--config: %w", err)
		}
		if *cfg, err = train.ParseConfig(text); err != nil {
			return usagef("%s: %w", o.file, err)
		}
	} else if len(args) > 0 {
		*cfg = train.DefaultConfig(args[0])
	} else {
		*cfg = train.DefaultConfig("lenet5")
	}
	if len(args) > 0 {
		cfg.Model = args[0]
	}
	// Flags point into cfg: setting them again writes over what the file said.
	for f, v := range given {
		if err := f.Value.Set(v); err != nil {
			return badValue("--"+f.Name, f, v, err)
		}
	}
	if flags.Changed("accuracy") {
		cfg.Accuracy = o.conv.accuracy.value
	}
	if flags.Changed("conv") {
		if _, err := algorithm("conv", o.conv.algo); err != nil {
			return err
		}
		cfg.Conv = o.conv.configured()
	}
	if flags.Changed("tune") && o.conv.tune != "" {
		var err error
		if cfg.Tune, err = filepath.Abs(o.conv.tune); err != nil { // the run may be evaluated from another folder
			return err
		}
		if _, err := os.Stat(cfg.Tune); err != nil {
			return fmt.Errorf("--tune: %s: %w", o.conv.tune, errors.Unwrap(err))
		}
	}
	if cfg.Data == "" {
		return usagef("--data is empty, want a folder, or %s for the embedded digits", train.Digits)
	}
	if err := checkName(o.name); err != nil {
		return err
	}
	return asUsage(cfg.Validate())
}

// checkName says what is wrong with the --name of a run.
func checkName(name string) error {
	if name != "" && (name != filepath.Base(name) || name == "." || name == "..") {
		return usagef("--name: got %q, want the name of one folder; --runs says where it is", name)
	}
	return nil
}

func (a *app) train(ctx context.Context, cfg train.Config, o trainOptions) error {
	m, err := configured(&cfg)
	if err != nil {
		return err
	}
	if cfg.Data, err = train.DataPath(cfg.Data); err != nil {
		return err
	}
	set, test, err := train.Load(cfg)
	if err != nil {
		return err
	}
	norm, err := train.Normalize(cfg, set)
	if err != nil {
		return err
	}
	t, err := train.New(m, cfg, norm)
	if err != nil {
		return err
	}
	defer t.Close()
	if o.name == "" {
		o.name = train.RunName(m.Name, time.Now())
	}
	run, err := a.create(o.runs, o.name)
	if err != nil {
		return err
	}
	defer os.Remove(run.Dir) // which fails, as it should, if anything was written
	a.announce(m, cfg, t, set, test, run.Dir)
	return a.fit(ctx, t, run, set, test)
}

// create makes the folder of a run, and says so if it cannot have the name.
func (a *app) create(runs, name string) (*train.Run, error) {
	run, err := train.Create(runs, name)
	if err != nil {
		return nil, err
	}
	if taken := filepath.Join(runs, name); run.Dir != taken {
		fmt.Fprintf(a.stderr, "%s is there already; this run is %s\n", taken, run.Dir)
	}
	return run, nil
}

// fit trains and says what came out.
func (a *app) fit(ctx context.Context, t *train.Trainer, run *train.Run, set, test *data.Set) error {
	result, err := t.Fit(ctx, set, test, train.FitOptions{Run: run, Progress: a.progress()})
	if err != nil {
		return a.ended(result, run.Dir, err)
	}
	example, err := writeExample(run.Dir, test)
	if err != nil {
		return err
	}
	return a.finished(result, test, run.Dir, example)
}

// resumption returns how flags change the configuration of a run that goes on. Those from the environment are for
// new runs.
func resumption(cfg *train.Config, args []string, flags *pflag.FlagSet) (change func(*train.Config), err error) {
	if len(args) > 0 {
		return nil, usagef("--resume goes on with the run's own model, got %q as well", args[0])
	}
	given := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) {
		given[f.Name] = true
		if f.Name != "resume" && !slices.Contains(train.Resumable(), f.Name) && !everywhere[f.Name] {
			err = usagef("--%s cannot be given with --resume, which goes on as the run began; it takes --%s", f.Name, strings.Join(train.Resumable(), ", --"))
		}
	})
	if err == nil {
		err = asUsage(cfg.Validate())
	}
	if err == nil && given["data"] {
		cfg.Data, err = train.DataPath(cfg.Data)
	}
	return func(c *train.Config) {
		for name, set := range map[string]func(){
			"epochs":      func() { c.Epochs = cfg.Epochs },
			"patience":    func() { c.Patience = cfg.Patience },
			"data":        func() { c.Data = cfg.Data },
			"threads":     func() { c.Threads = cfg.Threads },
			"workers":     func() { c.Workers = cfg.Workers },
			"checkpoint":  func() { c.Checkpoint = cfg.Checkpoint },
			"keep":        func() { c.Keep = cfg.Keep },
			"tensorboard": func() { c.TensorBoard = cfg.TensorBoard },
		} {
			if given[name] {
				set()
			}
		}
	}, err
}

// everywhere are the flags of every command.
var everywhere = map[string]bool{"json": true, "quiet": true, "color": true, "stack": true}

// resume goes on with the run in dir.
func (a *app) resume(ctx context.Context, dir string, change func(*train.Config)) error {
	t, run, err := train.Resume(dir, change)
	if err != nil {
		return err
	}
	defer run.Close()
	defer t.Close()
	cfg := t.Config()
	set, test, err := train.Load(cfg)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the run's %w; --data says where it is now", err)
		}
		return err
	}
	for _, note := range run.Notes {
		fmt.Fprintf(a.warn, "neocog: %s\n", note)
	}
	a.announce(t.Model(), cfg, t, set, test, dir)
	return a.fit(ctx, t, run, set, test)
}

// announce says what is trained on what.
func (a *app) announce(m models.Model, cfg train.Config, t *train.Trainer, set, test *data.Set, dir string) {
	params := 0
	for _, p := range t.Graph().Params() {
		params += p.Shape().Size()
	}
	origin := ""
	if cfg.Data == train.Digits {
		origin = ", drawn from fonts"
	}
	if steps, err := data.ParseAugment(cfg.Augment); err == nil && len(steps) > 0 {
		origin += "; augment " + steps.String()
	}
	threads := cfg.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	begins := "training"
	if t.Steps() > 0 {
		begins = fmt.Sprintf("going on after %s of training, %s,", plural(t.Steps(), "step"), plural(t.Epoch(), "whole epoch"))
	}
	fmt.Fprintf(a.stderr, "%s %s on %s\n", begins, a.log.bold(m.Name), a.log.bold(dataName(set)))
	fields(a.stderr, a.log,
		[2]string{"  model", fmt.Sprintf("%s; %s", m.Doc, plural(params, "parameter"))},
		[2]string{"  data", fmt.Sprintf("%s to train, %s to test, %d×%d×%d, %d classes%s", plural(set.Len(), "image"), thousands(test.Len()), set.C, set.H, set.W, len(set.Classes), origin)},
		[2]string{"  method", fmt.Sprintf("%s, learning rate %g, schedule %s, batches of %d, seed %d, %s", cfg.Optimizer, cfg.LR, cfg.Schedule, cfg.Batch, cfg.Seed, plural(threads, "thread"))},
		[2]string{"  run", dir})
	fmt.Fprintln(a.stderr)
}

// dataName is the name of the data that a set is part of: "mnist" of "mnist/train".
func dataName(set *data.Set) string {
	name, _, _ := strings.Cut(set.Name, "/")
	return name
}

// progress is a bar on a terminal, else lines; with --json also an object for each epoch.
func (a *app) progress() train.Progress {
	var p train.Progress = train.NewLines(a.stderr, time.Now)
	if f, ok := a.stderr.(*os.File); ok {
		p = train.ProgressOn(f, a.quiet)
	}
	if a.json {
		return &jsonProgress{p, a}
	}
	return p
}

type jsonProgress struct {
	train.Progress
	app *app
}

// Epoch writes the record. A writer that fails will fail again at the end of the run, where it is an error.
func (p *jsonProgress) Epoch(r train.Record) {
	p.Progress.Epoch(r)
	p.app.emit(r)
}

// outcome is the last object of train --json.
type outcome struct {
	Accuracy    *float64 `json:"accuracy"` // null if no epoch was finished
	Loss        *float64 `json:"loss"`
	Epochs      int      `json:"epochs"`
	Steps       int      `json:"steps"`
	Seconds     float64  `json:"seconds"`
	Waited      float64  `json:"waited"`               // seconds, of these, in which training waited for images
	Best        *int     `json:"best_epoch,omitempty"` // 0 is the network before the first; missing if no epoch was finished
	Early       bool     `json:"early,omitempty"`      // it ended by --patience
	Run         string   `json:"run"`
	Interrupted bool     `json:"interrupted,omitempty"`
}

func outcomeOf(r *train.Result, dir string) outcome {
	o := outcome{Epochs: len(r.Epochs), Steps: r.Steps, Seconds: r.Seconds, Waited: r.Waited, Run: dir, Early: r.Early}
	if len(r.Epochs) > 0 {
		best := r.Best()
		o.Accuracy, o.Loss, o.Best = &r.Accuracy, &r.Loss, &best
	}
	return o
}

func (a *app) finished(r *train.Result, test *data.Set, dir, example string) error {
	if a.json {
		return a.emit(outcomeOf(r, dir))
	}
	took := fmt.Sprintf("%.1f s for %s", r.Seconds, plural(len(r.Epochs), "epoch"))
	if r.Steps > 0 && r.Seconds > 0 {
		took += fmt.Sprintf(", %s of it waiting for data", percent(r.Waited/r.Seconds))
	}
	lines := [][2]string{{"accuracy", a.out.green(percent(r.Accuracy)) + fmt.Sprintf(" of %s, loss %.4f", plural(test.Len(), "test image"), r.Loss)}}
	switch k := r.Best(); {
	case k > 0 && k < len(r.Epochs) && r.Epochs[k-1].Epoch == k:
		lines = append(lines, [2]string{"best", fmt.Sprintf("%s after epoch %d: %s eval --best %s", percent(r.Epochs[k-1].TestAccuracy), k, self(), shell(dir))})
	case k == 0 && r.Start != nil && len(r.Epochs) > 0:
		lines = append(lines, [2]string{"best", fmt.Sprintf("%s before training further: %s eval --best %s", percent(r.Start.TestAccuracy), self(), shell(dir))})
	}
	if r.Early {
		took += "; it ended early, for --patience"
	}
	fmt.Fprintln(a.stderr)
	fields(a.stdout, a.out, append(lines, [2]string{"time", took}, [2]string{"run", a.out.bold(dir)})...)
	if !a.quiet {
		fmt.Fprintf(a.stdout, "\n%s\n  %[2]s view %[3]s\n  %[2]s eval %[3]s\n  %[2]s predict %[3]s %[4]s\n", a.out.dim("next"), self(), shell(dir), shell(example))
	}
	return nil
}

// ended reports a run that did not reach its end.
func (a *app) ended(r *train.Result, dir string, err error) error {
	switch diverged, ok := errors.AsType[*train.Diverged](err); {
	case r != nil && errors.Is(err, context.Canceled):
	case ok && len(r.Epochs) > 0:
		return fmt.Errorf("%w; %s keeps the weights of epoch %d", diverged, dir, len(r.Epochs))
	case ok && r.Start != nil:
		return fmt.Errorf("%w; %s keeps the network as it was before training further, %s of test images: %s eval %s", diverged, dir, percent(r.Start.TestAccuracy), self(), shell(dir))
	default:
		if _, gone := os.Stat(dir); errors.Is(gone, fs.ErrNotExist) {
			return fmt.Errorf("%w; nothing was worth keeping, the run folder %s is removed", err, dir)
		}
		switch found, _ := filepath.Glob(filepath.Join(dir, "checkpoint-*")); {
		case r == nil || len(found) == 0: // what is there, if anything, is as it was before
			return err
		case ok:
			return fmt.Errorf("%w; %s keeps a checkpoint of before, but no weights to evaluate", diverged, dir)
		}
		return fmt.Errorf("%w; once that is mended, to go on: %s train --resume %s", err, self(), shell(dir))
	}
	// Fit has saved all, unless the disk was against it.
	saved, failed := train.Open(dir)
	if failed != nil || saved.Steps() != r.Steps {
		return fmt.Errorf("interrupted, and what was trained since the last checkpoint is not saved: %s", err)
	}
	saved.Close()
	if a.json {
		o := outcomeOf(r, dir)
		o.Interrupted = true
		if err := a.emit(o); err != nil {
			return err
		}
	}
	after := fmt.Sprintf("interrupted after %s, %s", plural(r.Steps, "step"), plural(len(r.Epochs), "whole epoch"))
	if saved.Config().Checkpoint == "none" {
		return &interrupted{fmt.Sprintf("%s; the weights are saved: %s eval %s", after, self(), shell(dir))}
	}
	return &interrupted{fmt.Sprintf("%s; to go on: %s train --resume %s", after, self(), shell(dir))}
}

// shell returns a path as a shell takes it.
func shell(path string) string {
	if plain.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

var plain = regexp.MustCompile(`^[\pL\pN_./:\\+=@%-]+$`)

// self is the command by which this program was started.
func self() string {
	if exe, err := os.Executable(); err == nil && strings.Contains(filepath.ToSlash(exe), "/go-build") {
		return "go run ./cmd/neocog"
	}
	return os.Args[0]
}
