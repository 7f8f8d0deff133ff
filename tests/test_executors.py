"""Who does the runs changes nothing: here, in other processes, on a Dask cluster, also for what a notebook defines."""

import json
import subprocess
import sys

import pytest

# What a notebook is to other processes: a __main__ without a file, whose functions and classes nobody can import. It
# is run by an interpreter of its own, so that whatever Dask leaves behind would be seen there, and ends with it.
NOTEBOOK = '''
import json, multiprocessing, os, sys, time, warnings
from concurrent.futures import ProcessPoolExecutor

import psutil
from distributed import Client, LocalCluster

from rehearsal import Crash, Exponential, Failed, Poisson, Refused, Retry, System, ms, run, sec
from rehearsal.experiments import HalfWidth, crossover, replicate, sweep

MEAN = {"fast": 10.0, "slow": 30.0}
PATIENT = Retry(2, wait=100 * ms, jitter="full")

class NoStock(Refused):
    """A business no that only this notebook knows."""

def often(number, every=7):
    return number % every == 3

def recipe(seed, pay, crash=False):
    shop = System("shop", network=Exponential(1 * ms))
    inventory, payment = shop.service("inventory", workers=2), shop.service("payment", workers=2)

    @inventory.operation(takes=Exponential(20 * ms))
    def reserve(ctx, order):
        if often(order.number):
            raise NoStock("none left")

    @payment.operation(takes=Exponential(MEAN[pay] * ms))
    def charge(ctx, order): ...

    @shop.service("orders", workers=20).operation()
    def place(ctx, order):
        yield ctx.call(reserve, order)
        try:
            yield ctx.call(charge, order, timeout=200 * ms, retry=PATIENT)
        except Failed:
            raise Refused("payment is down") from None

    shop.accepts("order", place, objective=1 * sec)
    faults = [Crash("payment", at=1 * sec, lasting=500 * ms)] if crash else []
    if crash and pay == "slow" and seed == 2:
        raise NoStock("a point that fails")
    return run(shop, Poisson("order", every=25 * ms, count=120), seed=seed, faults=faults)

def line(seed, style, x):
    return MEAN["fast"] * x if style == "a" else MEAN["slow"] + seed % 3

def bits(frame):
    """Return every number of a frame as it is in memory."""
    return [[value.hex() if isinstance(value, float) else value for value in row] for row in frame.values.tolist()]

def experiments(executor):
    how = {"executor": executor, "progress": False}
    grid = sweep(recipe, {"pay": [*MEAN], "crash": [False, True]}, seeds=4, **how)
    more = replicate(recipe, seeds=3, pay="fast", until=HalfWidth("mean", below=4.0, most=9), warmup=500 * ms, **how)
    found = crossover(line, "x", "value", low=0.0, high=9.0, between=("style", "a", "b"), seeds=6, **how)
    notes = [grid.attrs["failed"], grid.attrs["note"], more.attrs["note"], repr(found)]
    return [bits(grid), bits(more), bits(found.points), bits(found.frame), list(grid.columns), notes]

def where(executor):
    """Return the processes that did the runs."""
    return set(replicate(lambda seed: os.getpid(), 8, executor=executor, progress=False)["value"])

def runs_done(executor, notes=os.path.join(sys.argv[1], "notes")):
    """Do an experiment of four runs, and return how many were ever done."""

    def noted(seed):
        with open(os.path.join(notes, f"{time.time_ns()} {os.getpid()} {seed}"), "w"):
            return seed

    os.makedirs(notes, exist_ok=True)
    replicate(noted, 4, executor=executor, progress=False)
    return len(os.listdir(notes))

def listening():
    """Return the addresses that this process and its children listen on."""
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return {c.laddr.ip for p in family for c in p.net_connections() if c.status == psutil.CONN_LISTEN}

warnings.simplefilter("ignore")
said = {"serial": experiments(None)}
with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
    said["pool"], said["pool elsewhere"] = experiments(pool), os.getpid() not in where(pool)
quiet = {"dashboard_address": None, "host": "127.0.0.1", "local_directory": sys.argv[1]}
with LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster, Client(cluster) as client:
    workers = set(client.run(os.getpid).values())
    said["dask"], said["dask elsewhere"] = experiments(client.get_executor()), where(client.get_executor()) <= workers
    said["asked twice"] = [runs_done(client.get_executor()), runs_done(client.get_executor())]
    said["addresses"] = sorted(listening())
left = psutil.Process().children(recursive=True)
said["left"] = [p.name() for p in left if "resource_tracker" not in " ".join(p.cmdline())]
json.dump(said, sys.stdout)
'''


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Return what the notebook said of its experiments, done by each executor."""
    folder = str(tmp_path_factory.mktemp("dask"))
    done = subprocess.run([sys.executable, "-c", NOTEBOOK, folder], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_there_is_something_to_compare(said):
    grid, more, points, _, columns, (failed, *_) = said["serial"]
    assert len(grid) == 15 and len({row[columns.index("p95")] for row in grid}) > 6
    assert len(more) in (6, 9) and len(points) >= 5
    assert failed == [{"pay": "slow", "crash": True, "seed": 2, "error": "NoStock: a point that fails"}]


def test_a_process_pool_gives_the_same_to_the_bit(said):
    assert said["pool elsewhere"]
    assert said["pool"] == said["serial"]


def test_a_dask_cluster_gives_the_same_to_the_bit(said):
    assert said["dask elsewhere"]
    assert said["dask"] == said["serial"]


def test_dask_does_it_again_when_asked_again(said):
    """Dask answers a call it has seen from memory; here two equal experiments are two, each with its own runs."""
    assert said["asked twice"] == [4, 8]


def test_nothing_is_left_and_nobody_outside_could_listen(said):
    assert said["addresses"] == ["127.0.0.1"] and said["left"] == []
