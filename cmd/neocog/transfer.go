package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"neocog/data"
	"neocog/models"
	"neocog/onnx"
	"neocog/train"
)

// transferOptions are the flags of transfer that are not part of the configuration.
type transferOptions struct {
	classifier *choice
	lambda     float64
	normalize  string // empty for that of the base
	model      string // of weights that do not say
	runs, name string
}

func (a *app) transferCommand() *cobra.Command {
	cfg := train.DefaultConfig("")
	var o transferOptions
	cmd := &cobra.Command{
		Use:   "transfer BASE --data FOLDER",
		Short: "Put a trained network to a new task: features, a linear classifier, fine-tuning",
		Long: `Take a trained network – a run, an ONNX file, or the weights of a model in a safetensors or npz file –, give it a new last layer for the classes of other data, and keep the result as a run.

The network is cut after the node --at, by default before its last linear layer; maps are averaged over their pixels.
A linear classifier of these features is fitted to all images by L-BFGS: that is all with little data like that of the
network. With more, --groups names the parameters that are trained further, from there, with their rates: those of the
last block, or all. Images are brought to the channels and the size that the network takes.`,
		Example: `neocog transfer runs/cifar --data fashion-mnist                     a classifier of its features
neocog transfer runs/cifar --data fashion-mnist --at conv3_3 --classifier svm
neocog transfer runs/cifar --data fashion-mnist --groups 'conv4_*=0.1' --epochs 3
neocog transfer runs/cifar --data fashion-mnist --groups 'conv1*=0; *=0.1' --epochs 5
neocog transfer resnet20.onnx --normalize imagenet --data fashion-mnist
neocog transfer weights.safetensors --model resnet20-cifar10 --normalize imagenet --data fashion-mnist`,
		Args: wants(1, 1, "BASE, a run folder, .onnx, .safetensors or .npz file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(cmd.Flags(), "runs"); err != nil {
				return err
			}
			if cfg.Data == "" {
				return usagef("--data is empty, want a folder, or %s for the embedded digits", train.Digits)
			}
			if !(o.lambda >= 0) || math.IsInf(o.lambda, 0) {
				return usagef("--l2: got %g, want at least 0", o.lambda)
			}
			if err := checkName(o.name); err != nil {
				return err
			}
			for _, name := range []string{"epochs", "lr", "augment", "optimizer", "schedule"} {
				if f := cmd.Flags().Lookup(name); f != nil && f.Changed && cfg.Groups == "" {
					return usagef("--%s is of training further; --groups says what is trained", name)
				}
			}
			if o.classifier.value == "none" && cfg.Groups == "" {
				return usagef("--classifier none leaves nothing to do; --groups says what is trained")
			}
			if o.normalize != "" {
				cfg.Normalize = o.normalize
			}
			cfg.Classes = 1 // until the data are known
			if err := asUsage(cfg.Validate()); err != nil {
				return err
			}
			return a.transfer(cmd.Context(), args[0], cfg, o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&cfg.Data, "data", cfg.Data, "`FOLDER` with MNIST, Fashion-MNIST or CIFAR-10, or with images in\ntrain/CLASS/ and test/CLASS/; or a pack, csv:FILE, digits")
	f.StringVar(&cfg.Head, "at", "", "`NODE` after which the network is cut: a layer or block that 'neocog graph' names")
	o.classifier = chooses(cmd, f, "classifier", "linear classifier that is fitted first", train.Logistic, train.SVM, "none")
	f.Float64Var(&o.lambda, "l2", 1e-4, "L2 on the classifier's weights")
	f.StringVar(&o.model, "model", "", "`MODEL` that a .safetensors or .npz file has the weights of, if it does not say")
	f.StringVar(&o.normalize, "normalize", "", "`METHOD` for the images: mean-std, imagenet, pixel-mean, mean, none; the base's\nby default; of a file it must be said")
	f.StringVar(&cfg.Groups, "groups", "", "what to train further, `PATTERN=RATE[,DECAY];...`; other parameters are frozen,\nthe new layer is head/* and has rate 1")
	f.IntVar(&cfg.Epochs, "epochs", cfg.Epochs, "times that every image is seen in that training")
	f.Float64Var(&cfg.LR, "lr", cfg.LR, "learning rate of it")
	f.StringVar(&cfg.Optimizer, "optimizer", cfg.Optimizer, "`RULE` of it: "+strings.Join(optimizers(), ", "))
	f.StringVar(&cfg.Schedule, "schedule", cfg.Schedule, "`SCHEDULE` of it, as for train")
	f.IntVar(&cfg.Batch, "batch", cfg.Batch, "images in a step of it")
	f.StringVar(&cfg.Augment, "augment", cfg.Augment, "change its images, `STEPS` as for train")
	f.Float64Var(&cfg.WeightDecay, "weight-decay", cfg.WeightDecay, "L2 on weights in it; decoupled for adamw")
	f.IntVar(&cfg.TrainImages, "train-images", 0, "train on so many images only; 0 is all")
	f.IntVar(&cfg.TestImages, "test-images", 0, "test on so many images only; 0 is all")
	f.IntVar(&cfg.Validation, "validation", 0, "hold out so many training images, drawn by --seed, and test on these")
	f.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "decides the order, and what is drawn")
	f.IntVar(&cfg.Threads, "threads", cfg.Threads, "0 is GOMAXPROCS; changes no result")
	f.IntVar(&cfg.Workers, "workers", cfg.Workers, "prepare the next batches in so many goroutines; changes no result")
	f.StringVar(&o.runs, "runs", train.Runs, "`FOLDER` in which the run's folder is made")
	f.StringVar(&o.name, "name", "", "`NAME` of the run's folder, NAME-2 and so on if there is one; time and model by default")
	return cmd
}

// openBase opens the network to start from: a run folder, or a file, which does not say what its images go through.
func openBase(path string, o transferOptions) (*train.Base, error) {
	info, err := os.Stat(path)
	if err != nil && (isONNX(path) || isWeights(path)) {
		return nil, fmt.Errorf("%s cannot be opened: %w", path, errors.Unwrap(err))
	}
	if err != nil || info.IsDir() {
		if o.model != "" {
			return nil, usagef("--model is for .safetensors and .npz files; the run %s says what its model is", path)
		}
		return train.OpenBase(path)
	}
	ext := strings.ToLower(filepath.Ext(path))
	switch {
	case ext != ".onnx" && ext != ".safetensors" && ext != ".npz":
		return nil, fmt.Errorf("%s is a file that does not end in .onnx, .safetensors or .npz; transfer starts from such a file, or from a run folder", path)
	case o.normalize == "":
		return nil, usagef("--normalize is missing: %s does not say what its images went through; imagenet is usual for networks of others", path)
	case ext != ".onnx":
		return train.OpenWeights(path, o.model)
	case o.model != "":
		return nil, usagef("--model is for .safetensors and .npz files; %s has a network of its own", path)
	}
	m, err := onnx.ReadFile(path)
	if err != nil {
		return nil, err
	}
	net, err := m.Import(onnx.Options{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(net.Outputs) == 0 {
		return nil, fmt.Errorf("%s: the network has no result", path)
	}
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return train.NewBase(name, net.Outputs[0], net.State, data.Normalizer{}) // that of --normalize comes with the images
}

func (a *app) transfer(ctx context.Context, from string, cfg train.Config, o transferOptions) error {
	base, err := openBase(from, o)
	if err != nil {
		return err
	}
	tune := cfg.Groups != ""
	cfg.Model = base.Model.Name
	cfg.Shape = fmt.Sprintf("%dx%dx%d", base.Model.Input[0], base.Model.Input[1], base.Model.Input[2])
	cfg.Groups = headFirst(cfg.Groups)
	if cfg.Data, err = train.DataPath(cfg.Data); err != nil {
		return err
	}
	set, test, err := train.Load(cfg)
	if err != nil {
		return err
	}
	cfg.Classes = len(set.Classes)
	if o.normalize != "" {
		if base.Norm, err = train.Normalize(cfg, set); err != nil {
			return err
		}
	}
	t, err := base.From(cfg)
	if err != nil {
		return err
	}
	defer t.Close()
	if o.name == "" {
		o.name = train.RunName(base.Model.Name, time.Now())
	}
	run, err := a.create(o.runs, o.name)
	if err != nil {
		return err
	}
	defer os.Remove(run.Dir) // which fails, as it should, if anything was written
	a.announce(t.Model(), t.Config(), t, set, test, run.Dir)
	began := time.Now()
	result := &train.Result{}
	var start *train.Record
	if o.classifier.value != "none" {
		rec, err := a.fitHead(ctx, t, set, test, o)
		if errors.Is(err, context.Canceled) {
			return &interrupted{fmt.Sprintf("interrupted while the classifier was fitted; nothing is kept, the run folder %s is removed; to start again, the same command", run.Dir)}
		}
		if err != nil {
			return err
		}
		rec.Seconds = time.Since(began).Seconds()
		start = &rec
		result = &train.Result{Epochs: []train.Record{rec}, Loss: rec.TestLoss, Accuracy: rec.TestAccuracy, Seconds: rec.Seconds}
		if !tune {
			if err := run.Keep(t, set.Classes, rec); err != nil {
				return err
			}
			if a.json {
				if err := a.emit(rec); err != nil {
					return err
				}
			}
		}
	}
	if tune {
		if result, err = t.Fit(ctx, set, test, train.FitOptions{Run: run, Progress: a.progress(), Start: start}); err != nil {
			return a.ended(result, run.Dir, err)
		}
	}
	example, err := writeExample(run.Dir, test)
	if err != nil {
		return err
	}
	return a.finished(result, test, run.Dir, example)
}

// headFirst completes the groups of --groups: the new layer has rate 1 unless they speak of it, and what they do not
// name is frozen.
func headFirst(groups string) string {
	own := models.Head + "/*=1"
	if strings.HasPrefix(strings.TrimSpace(groups), models.Head) || strings.Contains(strings.ReplaceAll(groups, " ", ""), ";"+models.Head) {
		own = ""
	}
	var list []string
	for _, g := range []string{own, strings.Trim(groups, "; "), "*=0"} {
		if g != "" {
			list = append(list, g)
		}
	}
	return strings.Join(list, "; ")
}

// fitHead fits the linear classifier, says how well it does, and returns its record.
func (a *app) fitHead(ctx context.Context, t *train.Trainer, set, test *data.Set, o transferOptions) (train.Record, error) {
	min, err := t.FitHead(ctx, set, o.classifier.value, o.lambda)
	if err != nil {
		return train.Record{}, err
	}
	onTest, err := t.Evaluate(ctx, test)
	if err != nil {
		return train.Record{}, err
	}
	end := "converged"
	if !min.Converged {
		end = fmt.Sprintf("not converged, largest derivative %.2g", min.Gradient)
	}
	fmt.Fprintf(a.stderr, "%s classifier: L-BFGS, %s, loss %.4f, %s; accuracy %s of training images, %s of test images\n",
		o.classifier.value, plural(min.Steps, "step"), min.Loss, end, percent(min.Accuracy), percent(onTest.Accuracy))
	return train.Record{Epoch: 1, Loss: min.Loss, Accuracy: min.Accuracy, TestLoss: onTest.Loss, TestAccuracy: onTest.Accuracy}, nil
}
