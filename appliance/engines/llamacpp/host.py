"""`python -m appliance.engines.llamacpp.host`: llama.cpp's server from the xllamacpp wheel."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

_EXPLAINABLE = 70  # EX_SOFTWARE: the reason stands on stderr


def main() -> int:
    """Serve one model on a Unix socket until killed."""
    parser = argparse.ArgumentParser(prog="host")
    parser.add_argument("--model", required=True)
    parser.add_argument("--socket", required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--gpu-layers", type=int, default=-1)
    parser.add_argument("--chat-template-file", default="")
    parser.add_argument("--slot-folder", default="")
    parser.add_argument("--embedding", action="store_true")
    parser.add_argument("--ranking", action="store_true")
    args = parser.parse_args()
    try:
        import xllamacpp
    except ImportError as error:
        print(f"import failed: {error}", file=sys.stderr)
        return _EXPLAINABLE

    params = xllamacpp.CommonParams()
    params.model.path = args.model
    params.hostnames = [args.socket]
    params.n_parallel = args.slots
    params.n_ctx = args.context * args.slots
    params.n_batch = params.n_ubatch = args.batch
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = args.threads
    params.cache_ram_mib = 0  # an unbounded prompt cache has no place on a board of 4 GB
    params.ui = False
    params.fit_params = False  # sizes are what the settings say, not what is free right now
    params.endpoint_slots = True
    if args.gpu_layers >= 0:
        params.n_gpu_layers = args.gpu_layers
    if args.slot_folder:
        params.slot_save_path = f"{args.slot_folder}/"
    if args.chat_template_file:
        params.chat_template = Path(args.chat_template_file).read_text("utf-8")
    if args.embedding or args.ranking:
        kinds = xllamacpp.llama_pooling_type
        rank, mean = kinds.LLAMA_POOLING_TYPE_RANK, kinds.LLAMA_POOLING_TYPE_MEAN
        params.embedding = True
        params.pooling_type = rank if args.ranking else mean
        params.no_extra_bufts = True  # share the file's pages with the chat child, do not repack
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        print(f"start failed: {error}", file=sys.stderr)
        return _EXPLAINABLE
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pause()
    del server
    return 0


if __name__ == "__main__":
    sys.exit(main())
