"""What can be asked of a process before it has a style: its graph, its longest path, and which blends there are."""


def graph_of(process):
    """Return it as a networkx DiGraph: a node a step, with the mean time of its work [ms]."""
    import networkx as nx

    graph = nx.DiGraph(name=process.name)
    for step in process.steps.values():
        graph.add_node(step.name, service=step.service, takes=step.operation.takes.mean)
        graph.add_edges_from((name, step.name) for name in step.after)
    return graph


def critical_path(process):
    """Return the names of the steps on its longest path, and how long that takes by mean times of work [ms]."""
    best: dict = {}
    for name, step in process.steps.items():
        length, path = max((best[a] for a in step.after), default=(0.0, ()))
        best[name] = length + step.operation.takes.mean, (*path, name)
    length, path = max(best.values(), default=(0.0, ()))
    return path, length


def blends(process):
    """Return every set of steps that may dance while the others are conducted: none, some tails, all."""
    found: list = [frozenset()]
    for step in reversed(process.steps.values()):
        after = {s.name for s in process.following(step)}
        found += [dancing | {step.name} for dancing in found if after <= dancing]
    order = {name: place for place, name in enumerate(process.steps)}
    tails = [tuple(sorted(one, key=order.__getitem__)) for one in found]
    return sorted(tails, key=lambda one: (len(one), [order[name] for name in one]))
