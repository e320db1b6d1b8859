// Package train trains networks: optimisers as updates of the graph, schedules
// of the learning rate, a loop with evaluation, and the folder in which a run is
// kept.
//
//	m, _ := models.Find("lenet5")
//	cfg := train.DefaultConfig(m.Name)
//	set, test, _ := train.Load(cfg)
//	t, _ := train.New(m, cfg, train.Normalize(cfg, set))
//	result, _ := t.Fit(ctx, set, test, train.FitOptions{})
//
// The concepts:
//
//	| concept   | what it is |
//	|-----------|------------|
//	| Optimizer | declares Graph.Update for parameters and its own slots, "opt/<parameter>/<slot>" |
//	| Schedule  | the factor of the learning rate over time; the rate is the scalar input "lr" of the graph |
//	| Group     | parameters by a pattern of their names, with a rate and a decay of their own |
//	| LBFGS     | minimises a loss over all data at once, by gonum's line search |
//	| Base      | a trained network, of a run or of any graph with weights, to start another from |
//	| Ensemble  | several Trainers whose probabilities are averaged |
//	| Average   | running means of the parameters, which are evaluated and kept in their place |
//	| Config    | everything that decides a run, as YAML; the same Config gives the same parameters, to the last bit |
//	| Trainer   | a graph to train with and one to evaluate, compiled, over one vm.State |
//	| Record    | the figures of an epoch: a line of metrics.csv and metrics.jsonl |
//	| Progress  | is told how a run goes: a bar on a terminal, lines elsewhere |
//	| Run       | a folder: config.yaml, data.json, metrics.csv, metrics.jsonl, weights.safetensors, checkpoints; Resume goes on with it |
//
// # Determinism
//
// Parameters start from (Seed, name), images are shuffled by (Seed, epoch) and changed
// by (Seed, epoch, image), for any number of Workers, and the tape computes the same bits for any number of threads. Only the seconds in the
// metrics differ between two runs of one Config.
package train
