{
  description = "Code Factory Bus: a durable message bus as one Effect program";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      forEach = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      # Node alone: everything else comes with `npm start` and `npm test`, from the lockfile.
      devShells = forEach (pkgs: {
        default = pkgs.mkShell { packages = [ pkgs.nodejs_24 ]; };
      });

      formatter = forEach (pkgs: pkgs.nixfmt-rfc-style);
    };
}
